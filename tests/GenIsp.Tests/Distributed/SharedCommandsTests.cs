using System.Security.Cryptography;
using GenIsp.Tests.Cli;
using GenIsp.Tests.Training;

namespace GenIsp.Tests.Distributed;

/// <summary>What several processes share comes out as if one had done it.</summary>
public sealed class SharedCommandsTests : IDisposable
{
    private readonly TinyPhotos _photos = TinyPhotos.Create();

    public void Dispose() => _photos.Dispose();

    [Fact]
    public async Task Develop()
    {
        string[] raws = [.. new[] { "plain", "turned", "black2x2", "margins", "truncated" }
            .Select(name => Path.Combine(AppContext.BaseDirectory, "Fixtures", "raw", $"{name}.dng"))];
        string[] Command(string folder) => ["develop", .. raws, "-o", _photos[folder]];
        var alone = await CommandRun.Of(Command("alone"));
        using var run = Mpirun.Start(2, ["GenIsp.Cli.dll", .. Command("shared")]);

        var (code, _, error) = await run.End();

        code.ShouldBe(alone.Code);
        error.ShouldContain("truncated.dng");
        error.ShouldContain("genisp: 1 of 5 files failed, the others are done");
        error.ShouldMatch(@"shared: 4 pictures in \d");
        ShouldHoldTheSame("shared", "alone");
    }

    [Fact]
    public async Task Detect()
    {
        string[] Command(string folder) =>
            ["detect", _photos["train"], "--detector", _photos["tiny.onnx"], "--score", "0.1", "--json", "-o", _photos[folder]];

        var alone = await Mpirun.Genisp(1, Command("alone"));
        var shared = await Mpirun.Genisp(2, Command("shared"));

        shared.ShouldBe(alone);
        shared.ShouldContain("\"score\"");
        ShouldHoldTheSame("shared", "alone");
    }

    [Fact]
    public async Task Evaluate()
    {
        (await CommandRun.Of(
            "dataset", "simulate", "--images", _photos["train"], "--annotations", _photos["train.json"], "-o", _photos["night"],
            "--camera", "sony-rx100m7")).Code.ShouldBe(0);
        string[] Command(string folder) =>
        [
            "evaluate", "--images", _photos["night/images"], "--annotations", _photos["night/annotations.json"], "--isp", "linear", "--isp",
            "classical", "--detector", _photos["tiny.onnx"], "-o", _photos[folder], "--json",
        ];

        var alone = await Mpirun.Genisp(1, Command("alone"));
        var shared = await Mpirun.Genisp(2, Command("shared"));

        shared.ShouldBe(alone);
        ShouldHoldTheSame("shared", "alone");
    }

    [Fact]
    public async Task What_cant_be_shared_is_done_once() =>
        (await Mpirun.Genisp(2, "weights", "inspect", "--help")).Split("Usage:").Length.ShouldBe(2);

    private void ShouldHoldTheSame(string folder, string expected)
    {
        string[] Names(string of) => [.. Directory.GetFiles(_photos[of]).Select(file => Path.GetFileName(file)).Order()];
        Names(folder).ShouldBe(Names(expected));
        string Hash(string of, string name) => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(_photos[$"{of}/{name}"])));
        foreach (var name in Names(folder))
            Hash(folder, name).ShouldBe(Hash(expected, name), name);
    }
}
