using System.IO.Compression;
using GenIsp.Cli;
using GenIsp.Detection;
using GenIsp.Downloads;
using GenIsp.Tests.Downloads;
using Spectre.Console.Testing;

namespace GenIsp.Tests.Cli;

public sealed class DownloadCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string? _cacheBefore = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");

    public DownloadCommandTests() => Environment.SetEnvironmentVariable("XDG_CACHE_HOME", _folder["cache"]);

    public void Dispose()
    {
        Environment.SetEnvironmentVariable("XDG_CACHE_HOME", _cacheBefore);
        _folder.Dispose();
    }

    [Fact]
    public async Task A_data_set_is_downloaded_and_unpacked_and_both_can_be_repeated()
    {
        using var packed = new MemoryStream();
        using (var zip = new ZipArchive(packed, ZipArchiveMode.Create, leaveOpen: true))
            zip.CreateEntry("val/a.raw").Open().Dispose();
        using var server = new LocalServer(question => Answer.File(question, packed.ToArray()));
        string[] download = ["dataset", "download", server["data.zip"].ToString(), "-o", _folder["data.zip"]];
        string[] unpack = ["dataset", "unpack", _folder["data.zip"], "-o", _folder["data"]];

        var runs = new List<CommandRun>();
        foreach (var line in new[] { download, download, unpack, unpack })
            runs.Add(await CommandRun.Of(line));

        runs.Select(run => run.Code).ShouldBe([0, 0, 0, 0]);
        runs[0].Error.ShouldMatch(@"data\.zip: \d+ B in \d+\.\d s");
        runs[1].Error.ShouldContain("is there already");
        runs[2].Error.ShouldContain("1 files unpacked, 0 B");
        runs[3].Error.ShouldContain("0 files unpacked, 1 were there already");
        File.Exists(Path.Combine(_folder["data"], "val", "a.raw")).ShouldBeTrue();
        server.Questions.Count.ShouldBe(1);
    }

    [Fact]
    public async Task On_a_screen_a_download_shows_how_much_of_how_much()
    {
        using var server = new LocalServer(question => Answer.File(question, new byte[2_500_000]));
        using var screen = new TestConsole().Width(200).Interactive();
        using var output = new StringWriter();

        var code = await CommandLine.RunAsync(
            ["dataset", "download", server["a"].ToString(), "-o", _folder["a.bin"]], new Terminal(output, screen),
            TestContext.Current.CancellationToken);

        code.ShouldBe(0);
        screen.Output.ShouldContain("2.5 MB of 2.5 MB");
        screen.Output.ShouldContain("━");
    }

    [Fact]
    public void The_line_tells_speed_and_time_left_of_the_last_seconds()
    {
        using var screen = new TestConsole().Width(200).Interactive();
        using var output = new StringWriter();
        var clock = new HandClock();
        using var line = new TransferLine(new Terminal(output, screen) { Clock = clock }, "raw.zip");

        line.Show(40_000_000, 100_000_000); // What was there before does not count.
        clock.Seconds = 2;
        line.Show(50_000_000, 100_000_000);

        screen.Output.ShouldContain("50.0 MB of 100.0 MB  5.0 MB/s  0:00:10 left");
    }

    [Theory]
    [InlineData("dataset|download|ftp://host/a|-o|a", "is no address that begins with http")]
    [InlineData("dataset|download|archive.zip|-o|a", "is no address that begins with http")]
    [InlineData("dataset|download|http://host/a|-o|a|--sha256|12", "must be 64 hexadecimal digits")]
    [InlineData("dataset|download|http://host/a", "Option '--output' is required")]
    public async Task Wrong_usage_exits_with_2(string line, string message)
    {
        var run = await CommandRun.Of(line.Split('|'));

        run.Code.ShouldBe(2);
        run.Error.ReplaceLineEndings(" ").ShouldContain(message);
    }

    [Fact]
    public async Task Unknown_weights_exit_with_1_and_name_the_nearest()
    {
        var run = await CommandRun.Of("weights", "download", "yolox_tini");

        run.Code.ShouldBe(1);
        run.Error.ReplaceLineEndings(" ").ShouldContain("Did you mean yolox_tiny?");
    }

    [Fact]
    public async Task Without_a_name_all_weights_are_listed()
    {
        var run = await CommandRun.Of("weights", "download");

        run.Code.ShouldBe(0);
        run.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length.ShouldBe(KnownWeights.All.Count);
        run.Out.ShouldMatch(@"yolox_nano +3\.7 MB  Apache-2\.0 +not downloaded");
    }

    [Fact]
    public async Task Weights_in_the_cache_are_used_by_their_name()
    {
        var cached = KnownWeights.ByName("yolox_nano").Path;
        Directory.CreateDirectory(Path.GetDirectoryName(cached)!);
        File.Copy(SharedData.Path("weights/yolox_nano.onnx"), cached);

        var inspect = await CommandRun.Of("weights", "inspect", "yolox_nano");
        using var detector = DetectorFile.Load("yolox_nano");

        inspect.Out.ShouldContain($"{cached}: onnx");
        detector.Categories.Count.ShouldBe(80);
    }

    [Theory]
    [InlineData("detect|{photo}|-d|yolox_s|-o|{out}")]
    [InlineData("train|--detector|yolox_s|--images|any|--annotations|any|-o|{out}")]
    [InlineData("weights|inspect|yolox_s")]
    [InlineData("weights|convert|yolox_s|-o|a.safetensors")]
    public async Task Weights_that_are_not_there_yet_tell_the_command_that_gets_them(string line)
    {
        var photo = Path.Combine(AppContext.BaseDirectory, "Fixtures", "raw", "plain.dng");

        var run = await CommandRun.Of([.. line.Split('|').Select(word => word.Replace("{photo}", photo).Replace("{out}", _folder["out"]))]);

        run.Code.ShouldBe(1);
        run.Error.ReplaceLineEndings(" ").ShouldContain("genisp weights download yolox_s");
        Directory.Exists(_folder["out"]).ShouldBeFalse();
    }
}
