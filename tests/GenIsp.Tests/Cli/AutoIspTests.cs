using System.Globalization;
using GenIsp.Data;
using GenIsp.Geometry;
using GenIsp.Imaging;
using GenIsp.Isp;
using GenIsp.Raw;

namespace GenIsp.Tests.Cli;

/// <summary><c>--isp auto</c>, the ISP that ships, and <c>genisp calibrate</c>.</summary>
public sealed class AutoIspTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Unless_told_develop_takes_GenISP_in_noise_and_the_classical_ISP_in_light_and_says_so()
    {
        var lamp = new NightParameters(Darkness: 80, ShotNoise: 5e-3, ReadNoise: 3e-5, RedGain: 1, BlueGain: 1);
        WriteDng("night.dng", lamp);
        WriteDng("day.dng", lamp with { Darkness = 1, ShotNoise = 1e-5, ReadNoise = 1e-9 });

        var both = await CommandRun.Of("develop", _folder["night.dng"], _folder["day.dng"], "-o", _folder["auto"], "--format", "npy");
        var night = await CommandRun.Of("develop", _folder["night.dng"], "-o", _folder["own"], "--isp", "genisp", "--format", "npy");
        var day = await CommandRun.Of("develop", _folder["day.dng"], "-o", _folder["own"], "--isp", "classical", "--format", "npy");

        (both.Code, night.Code, day.Code).ShouldBe((0, 0, 0));
        both.Error.ShouldMatch(@"auto: genisp for night\.dng \([0-9.]+ dB\); classical for day\.dng \([0-9.]+ dB\)");
        foreach (var file in new[] { "night.npy", "day.npy" })
            File.ReadAllBytes(_folder[$"auto/{file}"]).ShouldBe(File.ReadAllBytes(_folder[$"own/{file}"]));
    }

    [Fact]
    public void The_ISP_that_ships_is_small_and_has_its_threshold()
    {
        var weights = IspFile.ReadWeights(IspFile.Shipped);

        weights.Values.Sum(tensor => tensor.Count).ShouldBe(115_855);
        weights.Values.Sum(tensor => tensor.Bytes.Length).ShouldBeLessThan(500_000);
        GenIspOptions.FromMetadata(weights.Metadata, "genisp").AutoBelow.ShouldNotBeNull().ShouldBeInRange(1, 60);
    }

    [Fact]
    public async Task Calibrate_writes_the_ISP_with_a_threshold_from_bright_and_dark_photos()
    {
        CocoSubset.Write(_folder["coco.json"], 885, 1353);
        await CommandRun.Of(
            "dataset", "simulate", "--images", CocoSubset.Photos, "--annotations", _folder["coco.json"], "-o", _folder["night"],
            "--darkness", "1..100");

        var run = await CommandRun.Of(
            "calibrate", "--isp", "genisp", "--images", _folder["night/images"], "--annotations", _folder["night/annotations.json"],
            "--detector", SharedData.Path("weights/yolox_nano.onnx"), "-o", _folder["calibrated.safetensors"]);

        run.Code.ShouldBe(0, run.Error);
        var (before, after) = (IspFile.ReadWeights("genisp"), IspFile.ReadWeights(_folder["calibrated.safetensors"]));
        after.Keys.ShouldBe(before.Keys, ignoreOrder: true);
        after["shallow.conv1.bias"].Bytes.ToArray().ShouldBe(before["shallow.conv1.bias"].Bytes.ToArray());
        var threshold = GenIspOptions.FromMetadata(after.Metadata, "calibrated").AutoBelow.ShouldNotBeNull();
        run.Error.ShouldContain($"GenISP below {threshold.ToString("0.00", CultureInfo.InvariantCulture)} dB");
    }

    private void WriteDng(string name, NightParameters night)
    {
        const int Width = 96, Height = 64;
        var pixels = new float[3 * Width * Height];
        for (var i = 0; i < pixels.Length; i++)
            pixels[i] = 0.3f + 0.4f * (i % Width) / Width;
        var photo = new RgbImage(pixels, new Frame(Width, Height));
        DngWriter.Write(_folder[name], LowLightSimulator.Simulate(photo, SimulatedCamera.Load("sony-rx100m7"), night, 1, name));
    }
}
