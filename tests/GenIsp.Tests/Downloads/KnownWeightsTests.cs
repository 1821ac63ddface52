using GenIsp.Detection;
using GenIsp.Downloads;

namespace GenIsp.Tests.Downloads;

public sealed class KnownWeightsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string? _cacheBefore = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");

    public KnownWeightsTests() => Environment.SetEnvironmentVariable("XDG_CACHE_HOME", _folder.Root);

    public void Dispose()
    {
        Environment.SetEnvironmentVariable("XDG_CACHE_HOME", _cacheBefore);
        _folder.Dispose();
    }

    [Fact]
    public void The_list_is_complete_and_agrees_with_torchvisions_names()
    {
        KnownWeights.All.Select(known => known.Name).ShouldBe(
            ["retinanet_resnet50_fpn", "retinanet_resnet50_fpn_v2", "yolox_nano", "yolox_tiny", "yolox_s", "yolox_m"]);
        KnownWeights.All.Select(known => known.Sha256).ShouldBeUnique();
        foreach (var known in KnownWeights.All)
        {
            known.Address.Scheme.ShouldBe("https");
            known.Sha256.ShouldMatch("^[0-9a-f]{64}$");
            known.Size.ShouldBeInRange(1_000_000, 1_000_000_000);
            known.Licence.ShouldNotBeNullOrEmpty();
            if (known.Path.EndsWith(".pth", StringComparison.Ordinal))
                known.Path.ShouldEndWith($"-{known.Sha256[..8]}.pth");
        }
    }

    [Fact]
    public void Weights_are_cached_where_the_platform_keeps_caches()
    {
        KnownWeights.ByName("yolox_nano").Path.ShouldBe(Path.Combine(_folder.Root, "genisp", "weights", "yolox_nano.onnx"));

        Environment.SetEnvironmentVariable("XDG_CACHE_HOME", "relative/paths/do/not/count");
        Path.IsPathFullyQualified(CacheFolder.Path).ShouldBeTrue();
        CacheFolder.Path.ShouldNotContain("relative");
        if (OperatingSystem.IsLinux())
            CacheFolder.Path.ShouldEndWith("/.cache/genisp");
    }

    [Fact]
    public void A_name_stands_for_its_file_and_a_file_for_itself()
    {
        var known = KnownWeights.ByName("yolox_s");
        Directory.CreateDirectory(Path.GetDirectoryName(known.Path)!);
        File.WriteAllText(known.Path, "weights");

        KnownWeights.Locate("yolox_s").ShouldBe(known.Path);
        KnownWeights.Locate(known.Path).ShouldBe(known.Path);
        KnownWeights.Locate("no/such.onnx").ShouldBe("no/such.onnx");
    }

    [Theory]
    [InlineData("yolox_nano", "genisp weights download yolox_nano")]
    [InlineData("yolox-nano", "Did you mean yolox_nano?")]
    [InlineData("models/yolox_nano.onnx", "Did you mean yolox_nano?")]
    public void What_is_not_there_says_how_to_get_it(string name, string message) =>
        Should.Throw<GenIspException>(() => DetectorFile.Load(name)).Message.ShouldContain(message);

    [Theory]
    [InlineData("yolox_nan", "Did you mean yolox_nano?")]
    [InlineData("resnet", "Those that there are: retinanet_resnet50_fpn,")]
    public void An_unknown_name_suggests_the_nearest(string name, string message) =>
        Should.Throw<GenIspException>(() => KnownWeights.ByName(name)).Message.ShouldContain(message);

    [Fact]
    public async Task Weights_come_into_the_cache_verified()
    {
        byte[] content = [1, 2, 3];
        using var server = new LocalServer(question => Answer.File(question, content));
        var known = new KnownWeights(
            "tiny", server["tiny.onnx"], 3, Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(content)), "MIT");
        using var downloader = new Downloader();

        await downloader.DownloadAsync(DownloadRequest.Of(known), cancellation: TestContext.Current.CancellationToken);

        known.IsThere.ShouldBeTrue();
        File.ReadAllBytes(Path.Combine(_folder.Root, "genisp", "weights", "tiny.onnx")).ShouldBe(content);
    }
}
