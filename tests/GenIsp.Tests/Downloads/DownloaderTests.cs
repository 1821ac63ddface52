using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using GenIsp.Downloads;

namespace GenIsp.Tests.Downloads;

/// <summary>Downloads over a network that breaks.</summary>
public sealed class DownloaderTests : DownloadTest
{
    [Fact]
    public async Task A_file_comes_whole_and_alone()
    {
        using var server = new LocalServer(question => Answer.File(question, Content));
        var news = new List<DownloadEvent>();

        (await Download(server["a"], news: news)).ShouldBeTrue();

        System.IO.File.ReadAllBytes(File).ShouldBe(Content);
        Directory.GetFileSystemEntries(Folder.Root).ShouldBe([File]);
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
        Clock.Seconds.ShouldBe([1, 1]); // Each try brought something.
    }

    [Fact]
    public async Task A_server_that_stays_dumb_is_left_after_six_tries()
    {
        using var server = new LocalServer(question => Answer.File(question, Content, dropAfter: question.Start == 0 ? 1000 : 0));

        var error = await Fails(server["a"]);

        error.ShouldContain("(6 tries)");
        error.ShouldContain("1.0 kB are there, and the same command goes on from there");
        Clock.Seconds.ShouldBe([1, 1, 2, 4, 8, 16]);
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
        Directory.GetFileSystemEntries(Folder.Root).ShouldBeEmpty();
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
            Hang = tries++ == 0 ? Clock.LosePatience : null,
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

        Clock.Seconds.ShouldBe([120, 300]);
    }

    [Fact]
    public async Task A_cancelled_download_goes_on_in_another_call()
    {
        using var server = new LocalServer(question => Answer.File(question, Content, dropAfter: question.Start == 0 ? 150_000 : null) with
        {
            Hang = question.Start == 0 ? Nothing : null,
        });
        using var cancellation = new CancellationTokenSource();
        using var downloader = new Downloader(Clock);
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
            Hang = question.Start == 0 ? Nothing : null,
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
        Directory.GetFileSystemEntries(Folder.Root).ShouldBe([File]);
    }

    [Fact]
    public async Task A_disk_that_is_too_small_is_told_before_the_download()
    {
        using var server = new LocalServer(_ => new Answer(200, []).With("Content-Length", "1000000000000000000"));

        var error = await Fails(server["a"]);

        error.ShouldContain("the download needs 1.0 EB");
        Directory.GetFileSystemEntries(Folder.Root).ShouldBeEmpty();
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

    private static void Nothing()
    {
    }
}
