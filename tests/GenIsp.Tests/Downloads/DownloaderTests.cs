using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using GenIsp.Downloads;

namespace GenIsp.Tests.Downloads;

/// <summary>Downloads from a real server on this machine, which behaves as badly as servers do.</summary>
public sealed class DownloaderTests : IDisposable
{
    private static readonly byte[] Content = [.. Enumerable.Range(0, 300_000).Select(i => (byte)(i * i / 251))];

    private readonly TemporaryFolder _folder = new();
    private readonly QuickClock _clock = new();

    private string File => _folder["archive.zip"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_file_comes_whole_and_alone()
    {
        using var server = new LocalServer(question => Answer.File(question, Content));
        var news = new List<DownloadEvent>();

        (await Download(server["a"], news: news)).ShouldBeTrue();

        System.IO.File.ReadAllBytes(File).ShouldBe(Content);
        Directory.GetFileSystemEntries(_folder.Root).ShouldBe([File]);
        news[0].ShouldBe(new DownloadEvent.Received(0, Content.Length));
        news[^1].ShouldBe(new DownloadEvent.Received(Content.Length, Content.Length));
    }

    [Fact]
    public async Task An_empty_file_comes_too()
    {
        using var server = new LocalServer(question => Answer.File(question, []));

        (await Download(server["a"])).ShouldBeTrue();

        System.IO.File.ReadAllBytes(File).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_dropped_connection_goes_on_where_it_stopped()
    {
        using var server = new LocalServer(question => Answer.File(question, Content, dropAfter: 100_000));

        await Download(server["a"]);

        System.IO.File.ReadAllBytes(File).ShouldBe(Content);
        server.Questions.Select(question => question.Start).ShouldBe([0, 100_000, 200_000]);
        server.Questions.Last().Headers["If-Range"].ShouldBe("\"1\"");
        _clock.Seconds.ShouldBe([1, 1]); // Each try brought something.
    }

    [Fact]
    public async Task A_server_that_stays_dumb_is_left_after_six_tries()
    {
        using var server = new LocalServer(question => Answer.File(question, Content, dropAfter: question.Start == 0 ? 1000 : 0));

        var error = await Fails(server["a"]);

        error.ShouldContain("(6 tries)");
        error.ShouldContain("1.0 kB are there, and the same command goes on from there");
        _clock.Seconds.ShouldBe([1, 1, 2, 4, 8, 16]);
        server.Questions.Count.ShouldBe(7);
        System.IO.File.ReadAllBytes(File + ".part").ShouldBe(Content[..1000]);
    }

    [Fact]
    public async Task Without_a_network_the_error_says_what_to_look_at()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var address = new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/a");
        listener.Stop();

        var error = await Fails(address);

        error.ShouldContain("refused");
        error.ShouldContain("Check the network");
        Directory.GetFileSystemEntries(_folder.Root).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_server_that_knows_no_ranges_sends_all_again()
    {
        var tries = 0;
        using var server = new LocalServer(_ =>
            new Answer(200, Content) { DropAfter = tries++ == 0 ? 200_000 : null }.With("Last-Modified", "Wed, 18 Oct 2017 21:25:36 GMT"));

        await Download(server["a"]);

        System.IO.File.ReadAllBytes(File).ShouldBe(Content);
        server.Questions.Last().Headers["If-Range"].ShouldBe("Wed, 18 Oct 2017 21:25:36 GMT");
    }

    [Fact]
    public async Task A_length_that_nobody_announces_is_fine()
    {
        using var server = new LocalServer(_ => new Answer(200, Content).With("Content-Length", ""));

        await Download(server["a"]);

        System.IO.File.ReadAllBytes(File).ShouldBe(Content);
    }

    [Fact]
    public async Task A_silent_server_is_asked_again()
    {
        var tries = 0;
        using var server = new LocalServer(question => Answer.File(question, Content, dropAfter: tries == 0 ? 100_000 : null) with
        {
            Hang = tries++ == 0 ? _clock.LosePatience : null,
        });
        var news = new List<DownloadEvent>();

        await Download(server["a"], news: news);

        System.IO.File.ReadAllBytes(File).ShouldBe(Content);
        news.OfType<DownloadEvent.Waiting>().Single().Reason.ShouldBe("nothing came for 60 s");
    }

    [Fact]
    public async Task A_busy_server_is_given_the_time_that_it_asks_for()
    {
        var tries = 0;
        using var server = new LocalServer(question => tries++ switch
        {
            0 => new Answer(503, []).With("Retry-After", "120"),
            1 => new Answer(429, []).With("Retry-After", "86400"),
            _ => Answer.File(question, Content),
        });

        await Download(server["a"]);

        _clock.Seconds.ShouldBe([120, 300]);
    }

    [Fact]
    public async Task A_cancelled_download_goes_on_in_another_call()
    {
        using var server = new LocalServer(question => Answer.File(question, Content, dropAfter: question.Start == 0 ? 150_000 : null) with
        {
            Hang = question.Start == 0 ? () => { } : null,
        });
        using var cancellation = new CancellationTokenSource();
        using var downloader = new Downloader(_clock);
        var progress = new Told(news =>
        {
            if (news is DownloadEvent.Received { Done: 150_000 })
                cancellation.Cancel();
        });

        await Should.ThrowAsync<OperationCanceledException>(
            () => downloader.DownloadAsync(new DownloadRequest(server["a"], File), progress, cancellation.Token));
        System.IO.File.Exists(File).ShouldBeFalse();
        await Download(server["a"]);

        System.IO.File.ReadAllBytes(File).ShouldBe(Content);
        server.Questions.Last().Start.ShouldBe(150_000);
    }

    [Fact]
    public async Task A_killed_process_leaves_what_another_goes_on_with()
    {
        using var server = new LocalServer(question => Answer.File(question, Content, dropAfter: question.Start == 0 ? 123_456 : null) with
        {
            Hang = question.Start == 0 ? () => { } : null,
        });
        var command = Path.Combine(AppContext.BaseDirectory, "GenIsp.Cli.dll");
        var start = new ProcessStartInfo("dotnet", [command, "dataset", "download", server["a"].ToString(), "-o", File])
        {
            Environment = { ["DOTNET_EnableDiagnostics"] = "0" }, // A killed process would leave its pipes behind.
        };
        using (var process = Process.Start(start)!)
        {
            while (!process.HasExited && (!System.IO.File.Exists(File + ".part") || new FileInfo(File + ".part").Length < 123_456))
                await Task.Delay(10, TestContext.Current.CancellationToken);
            process.Kill();
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        await Download(server["a"]);

        System.IO.File.ReadAllBytes(File).ShouldBe(Content);
        server.Questions.Select(question => question.Start).ShouldBe([0, 123_456]);
        Directory.GetFileSystemEntries(_folder.Root).ShouldBe([File]);
    }

    [Theory]
    [InlineData("ETag", "\"1\"", "\"2\"", "its ETag was \"1\" and now is \"2\"")]
    [InlineData("ETag", "W/\"1\"", "W/\"2\"", "its ETag was W/\"1\"")]
    [InlineData("Last-Modified", "Wed, 18 Oct 2017 21:25:36 GMT", "Thu, 19 Oct 2017 21:25:36 GMT", "now is of 2017-10-19")]
    [InlineData("Content-Length", "300000", "299999", "it had 300000 bytes and now has 299999")]
    [InlineData("X-Nothing", "1", "2", "its beginning differs")]
    public async Task A_file_that_changes_in_between_is_refused(string header, string before, string after, string message)
    {
        var tries = 0;
        byte[] other = [.. Content.Reverse()];
        using var server = new LocalServer(_ => tries++ == 0
            ? new Answer(200, Content) { DropAfter = 1000 }.With(header, before)
            : new Answer(200, other).With(header, after));

        var error = await Fails(server["a"]);

        error.ShouldContain("has changed since the download began");
        error.ShouldContain(message);
        error.ShouldContain($"delete it to begin anew");
        System.IO.File.ReadAllBytes(File + ".part").ShouldBe(Content[..1000]);
    }

    [Fact]
    public async Task A_file_that_got_shorter_than_what_is_there_is_refused()
    {
        using var server = new LocalServer(question => question.Start == 0
            ? Answer.File(question, Content, dropAfter: 1000)
            : new Answer(416, []).With("Content-Range", "bytes */500"));

        (await Fails(server["a"])).ShouldContain("it has no more than 1000 bytes");
    }

    [Fact]
    public async Task Announced_bytes_that_never_come_are_no_file()
    {
        using var server = new LocalServer(_ => new Answer(200, Content).With("Content-Length", "300001"));

        var error = await Fails(server["a"]);

        error.ShouldContain("tries");
        System.IO.File.Exists(File).ShouldBeFalse();
    }

    [Theory]
    [InlineData("bytes 0-299999/300000", "another range")]
    [InlineData("bytes 2000-299999/300000", "another range")]
    [InlineData("bytes 1000-299999/400000", "has changed")]
    [InlineData("bytes 1000-199999/300000", "sends more than the 300000 bytes")]
    public async Task Ranges_that_lie_are_refused(string range, string message)
    {
        using var server = new LocalServer(question => question.Start == 0
            ? Answer.File(question, Content, dropAfter: 1000)
            : new Answer(206, Content).With("Content-Range", range));

        (await Fails(server["a"])).ShouldContain(message);

        System.IO.File.Exists(File).ShouldBeFalse();
    }

    [Fact]
    public async Task A_known_size_is_required_before_anything_comes()
    {
        using var server = new LocalServer(question => Answer.File(question, Content));

        var error = await Fails(new DownloadRequest(server["a"], File) { Size = 1234 });

        error.ShouldContain("has 300000 bytes, and the file that is wanted has 1234");
        Directory.GetFileSystemEntries(_folder.Root).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_wrong_checksum_never_gets_the_files_name_and_a_right_one_does()
    {
        using var server = new LocalServer(question => Answer.File(question, Content));
        var right = Convert.ToHexStringLower(SHA256.HashData(Content));
        var request = new DownloadRequest(server["a"], File) { Size = Content.Length, Sha256 = new string('0', 64) };

        var error = await Fails(request);

        error.ShouldContain($"has the SHA-256 {right}, and not 000");
        System.IO.File.Exists(File).ShouldBeFalse();
        // The digits were wrong, and not the file: nothing is loaded again.
        (await Download(request with { Sha256 = right.ToUpperInvariant() })).ShouldBeTrue();
        server.Questions.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_file_that_is_there_is_verified_and_never_overwritten()
    {
        System.IO.File.WriteAllText(File, "mine");
        using var server = new LocalServer(question => Answer.File(question, Content));

        (await Download(server["a"])).ShouldBeFalse();
        (await Fails(new DownloadRequest(server["a"], File) { Size = 5 })).ShouldContain("has 4 bytes, and not 5");
        (await Fails(new DownloadRequest(server["a"], File) { Sha256 = new string('0', 64) })).ShouldContain("has the SHA-256");

        System.IO.File.ReadAllText(File).ShouldBe("mine");
        server.Questions.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("text/html; charset=utf-8", "(\"Sign in & wait\")")]
    [InlineData("application/zip", "gives a web page and no file")]
    public async Task A_web_page_where_a_file_was_promised_is_an_error(string type, string message)
    {
        using var server = new LocalServer(_ => Html("\n<!DOCTYPE html><html><title>Sign in\n &amp; wait</title></html>", type));

        var error = await Fails(server["a"]);

        error.ShouldContain(message);
        error.ShouldContain("Open it in a browser");
        Directory.GetFileSystemEntries(_folder.Root).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_web_page_that_is_wanted_comes()
    {
        using var server = new LocalServer(_ => Html("<html></html>"));

        await Download(new DownloadRequest(server["a"], _folder["page.html"]));

        System.IO.File.ReadAllText(_folder["page.html"]).ShouldBe("<html></html>");
    }

    [Fact]
    public async Task Google_Drives_question_is_answered_and_an_interrupted_download_answers_it_again()
    {
        const string Page = "<html><form id=\"download-form\" action='/download' method=\"get\"><input type=\"hidden\" name=\"id\" value=\"F1\">"
            + "<input name=\"confirm\" type=\"hidden\" value=\"t&amp;1\"/><input type=\"hidden\" value=\"u-9\" name=\"uuid\"><input type=\"submit\"></form>"
            + "<input name=\"other\" value=\"1\"></html>";
        using var server = new LocalServer(question => question.Target.StartsWith("/download?", StringComparison.Ordinal)
            ? Answer.File(question, Content, dropAfter: question.Start == 0 ? 1000 : null)
            : Html(Page));

        await Download(server["uc?id=F1"]);

        System.IO.File.ReadAllBytes(File).ShouldBe(Content);
        server.Questions.Select(question => question.Target).ShouldBe(
            ["/uc?id=F1", "/download?id=F1&confirm=t%261&uuid=u-9", "/uc?id=F1", "/download?id=F1&confirm=t%261&uuid=u-9"]);
    }

    [Theory]
    [InlineData("<form id='download-form' action='/again'><input name='confirm' value='t'></form>")] // It asks for ever.
    [InlineData("<form id='download-form' action='/again'><input name='id' value='t'></form>")]
    [InlineData("<form id='search' action='/again'><input name='confirm' value='t'></form>")]
    [InlineData("<form id='download-form' action='ftp://127.0.0.1/again'><input name='confirm' value='t'></form>")]
    public async Task Other_pages_and_forms_are_errors(string form)
    {
        using var server = new LocalServer(_ => Html($"<html><title>Quota exceeded</title>{form}</html>"));

        (await Fails(server["uc"])).ShouldContain("\"Quota exceeded\"");

        server.Questions.Count.ShouldBeLessThanOrEqualTo(2);
    }

    [Theory]
    [InlineData("https://drive.google.com/file/d/1Ab_c-D/view?usp=sharing", "https://drive.google.com/uc?export=download&id=1Ab_c-D")]
    [InlineData("https://drive.google.com/file/d/1Ab/view?usp=sharing&resourcekey=0-k", "https://drive.google.com/uc?export=download&id=1Ab&resourcekey=0-k")]
    [InlineData("https://drive.google.com/open?id=1Ab", "https://drive.google.com/uc?export=download&id=1Ab")]
    [InlineData("https://example.org/file/d/1Ab/view", "https://example.org/file/d/1Ab/view")]
    public void A_link_of_Google_Drive_becomes_the_files_address(string link, string address) =>
        GoogleDrive.FileAddress(new Uri(link)).ToString().ShouldBe(address);

    [Fact]
    public async Task A_folder_of_Google_Drive_is_refused() =>
        (await Fails(new Uri("https://drive.google.com/drive/folders/1Ab"))).ShouldContain("is a folder of Google Drive");

    [Theory]
    [InlineData(404, "Is the address right?")]
    [InlineData(403, "sign-in")]
    public async Task What_a_server_refuses_is_not_tried_again(int status, string message)
    {
        using var server = new LocalServer(_ => new Answer(status, []));

        var error = await Fails(server["a"]);

        error.ShouldContain($"the server answers {status} Test");
        error.ShouldContain(message);
        server.Questions.Count.ShouldBe(1);
        Directory.GetFileSystemEntries(_folder.Root).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_disk_that_is_too_small_is_told_before_the_download()
    {
        using var server = new LocalServer(_ => new Answer(200, []).With("Content-Length", "1000000000000000000"));

        var error = await Fails(server["a"]);

        error.ShouldContain("the download needs 1.0 EB");
        Directory.GetFileSystemEntries(_folder.Root).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_disk_that_gets_full_keeps_what_came()
    {
        Assert.SkipUnless(System.IO.File.Exists("/dev/full"), "Only Linux has a file that is always full.");
        System.IO.File.CreateSymbolicLink(File + ".part", "/dev/full");
        using var server = new LocalServer(question => Answer.File(question, Content));

        (await Fails(server["a"])).ShouldContain("What came is kept: make room, and the same command goes on from there");

        server.Questions.Count.ShouldBe(1);
    }

    [Fact]
    public async Task The_beginning_of_something_else_is_never_gone_on_with()
    {
        using var server = new LocalServer(question => Answer.File(question, Content, dropAfter: question.Start == 0 ? 1000 : 0));
        await Fails(server["a"]);

        (await Fails(server["b"])).ShouldContain($"is the beginning of another file, {server["a"]}");
        System.IO.File.WriteAllText(File + ".part.json", "{}");
        (await Fails(server["a"])).ShouldContain("is damaged");
        System.IO.File.Delete(File + ".part.json");
        (await Fails(server["a"])).ShouldContain("Move " + File + ".part away or delete it");

        System.IO.File.ReadAllBytes(File + ".part").ShouldBe(Content[..1000]);
    }

    [Fact]
    public async Task Two_can_not_write_the_same_file()
    {
        using var server = new LocalServer(question => Answer.File(question, Content));
        var other = "";
        var progress = new Told(news =>
        {
            if (news is DownloadEvent.Received { Done: > 0 } && other.Length == 0)
                other = Should.Throw<GenIspException>(() => PartFile.Open(server["a"], File)).Message;
        });
        using var downloader = new Downloader(_clock);

        await downloader.DownloadAsync(new DownloadRequest(server["a"], File), progress, TestContext.Current.CancellationToken);

        other.ShouldContain("can't be written");
        System.IO.File.ReadAllBytes(File).ShouldBe(Content);
    }

    [Fact]
    public async Task A_folder_is_no_file_to_write() =>
        (await Fails(new DownloadRequest(new Uri("http://127.0.0.1/a"), _folder.Root))).ShouldContain("is a folder");

    private Task<bool> Download(Uri address, List<DownloadEvent>? news = null) => Download(new DownloadRequest(address, File), news);

    private async Task<bool> Download(DownloadRequest request, List<DownloadEvent>? news = null)
    {
        using var downloader = new Downloader(_clock);
        return await downloader.DownloadAsync(request, new Told(happened => news?.Add(happened)), TestContext.Current.CancellationToken);
    }

    private Task<string> Fails(Uri address) => Fails(new DownloadRequest(address, File));

    private async Task<string> Fails(DownloadRequest request) => (await Should.ThrowAsync<GenIspException>(() => Download(request))).Message;

    private static Answer Html(string page, string type = "text/html") => new Answer(200, Encoding.UTF8.GetBytes(page)).With("Content-Type", type);

    private sealed class Told(Action<DownloadEvent> tell) : IProgress<DownloadEvent>
    {
        public void Report(DownloadEvent value) => tell(value);
    }
}
