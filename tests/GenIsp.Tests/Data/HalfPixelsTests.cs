using CsCheck;
using GenIsp.Data;

namespace GenIsp.Tests.Data;

public sealed class HalfPixelsTests
{
    private static readonly Gen<float> Pixels = Gen.Select(Gen.Float[-1, 1], Gen.Int[-30, 30], (value, exponent) => MathF.ScaleB(value, exponent));

    [Fact]
    public void Every_value_keeps_eleven_bits_unless_it_is_nothing_beside_the_largest() => Pixels.Array[1, 50].Sample(pixels =>
    {
        var largest = pixels.Max(MathF.Abs);

        foreach (var (before, after) in pixels.Zip(Rounded(pixels)))
            Math.Abs((double)after - before).ShouldBeLessThanOrEqualTo(Math.ScaleB(Math.Abs(before), -11) + Math.ScaleB(largest, -39));
    });

    [Theory]
    [InlineData(0f)]
    [InlineData(1f)]
    [InlineData(-2.5f)]
    [InlineData(1e38f)]
    [InlineData(1e-30f)]
    public void The_largest_value_may_be_any(float value) =>
        ((double)Rounded([value, 0, value / 1024])[0]).ShouldBe(value, Math.Abs(value) / 2048.0);

    private static float[] Rounded(float[] pixels)
    {
        var halves = new Half[pixels.Length];
        return HalfPixels.ToSingles(halves, HalfPixels.Round(pixels, halves));
    }
}
