using System.Security.Cryptography;
using GenIsp.Downloads;

namespace GenIsp.Tests.Downloads;

/// <summary>What is not the file that was wanted never gets its name.</summary>
public sealed class ChangedFileTests : DownloadTest
{
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
        Directory.GetFileSystemEntries(Folder.Root).ShouldBeEmpty();
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
    [InlineData(404, "Is the address right?")]
    [InlineData(403, "sign-in")]
    public async Task What_a_server_refuses_is_not_tried_again(int status, string message)
    {
        using var server = new LocalServer(_ => new Answer(status, []));

        var error = await Fails(server["a"]);

        error.ShouldContain($"the server answers {status} Test");
        error.ShouldContain(message);
        server.Questions.Count.ShouldBe(1);
        Directory.GetFileSystemEntries(Folder.Root).ShouldBeEmpty();
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
        using var downloader = new Downloader(Clock);

        await downloader.DownloadAsync(new DownloadRequest(server["a"], File), progress, TestContext.Current.CancellationToken);

        other.ShouldContain("can't be written");
        System.IO.File.ReadAllBytes(File).ShouldBe(Content);
    }

    [Fact]
    public async Task AFolder_is_no_file_to_write() =>
        (await Fails(new DownloadRequest(new Uri("http://127.0.0.1/a"), Folder.Root))).ShouldContain("is a folder");
}
