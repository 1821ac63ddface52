using GenIsp.Data;
using GenIsp.Raw;

namespace GenIsp.Tests.Raw;

public sealed class SignalToNoiseTests
{
    // Level over deviation is the definition: 20 · log10(1000 / 10) = 40 dB.
    [Theory]
    [InlineData(1000, 10, 40)]
    [InlineData(100, 10, 20)]
    [InlineData(10, 10, 0)]
    [InlineData(0, 10, 0)]
    public void Is_the_level_above_black_over_the_deviation(double level, double deviation, double decibels)
    {
        foreach (var cfa in BayerPattern.All)
            SignalToNoise.Measure(Mosaic(cfa, (_, _) => level, deviation)).ShouldBe(decibels, 0.5);
    }

    [Fact]
    public void Is_not_misled_by_slopes_and_edges()
    {
        static double Scene(int x, int y) => 300 + x + 0.5 * y + (x / 61 % 2 == 0 ? 400 : 0);

        var flat = SignalToNoise.Measure(Mosaic(BayerPattern.Rggb, (_, _) => 700, 10));
        var lively = SignalToNoise.Measure(Mosaic(BayerPattern.Rggb, Scene, 10));

        // The level varies from block to block, so the median is not exactly that of its middle.
        lively.ShouldBe(flat, 2.5);
    }

    [Fact]
    public void Falls_when_the_same_scene_is_darker()
    {
        double At(double exposure) => SignalToNoise.Measure(Mosaic(BayerPattern.Bggr, (x, y) => exposure * (x + y), 4));

        At(4).ShouldBeGreaterThan(At(1) + 10);
    }

    [Fact]
    public void A_mosaic_without_noise_or_too_small_to_judge_has_the_most()
    {
        SignalToNoise.Measure(Mosaic(BayerPattern.Rggb, (_, _) => 14000, 0)).ShouldBeInRange(90, 100);
        SignalToNoise.Measure(new SensorImage("tiny", 30, 40, new ushort[30 * 40], BayerPattern.Rggb, new SensorLevels(0, 100))).ShouldBe(100);
    }

    // The other colours hold what would mislead.
    private static SensorImage Mosaic(BayerPattern cfa, Func<int, int, double> level, double deviation)
    {
        const int Width = 512, Height = 384, Black = 600;
        var random = new RandomSource(3);
        var mosaic = new ushort[Width * Height];
        for (var i = 0; i < mosaic.Length; i++)
        {
            var (y, x) = Math.DivRem(i, Width);
            mosaic[i] = cfa.ColorAt(x, y) == CfaColor.G1 ? (ushort)Math.Round(Black + level(x, y) + deviation * random.NextNormal()) : ushort.MaxValue;
        }
        return new SensorImage("drawn", Width, Height, mosaic, cfa, new SensorLevels(Black, 16000));
    }
}
