using System.Runtime.InteropServices;
using GenIsp.Detection;
using GenIsp.Geometry;

namespace GenIsp.Tests.Detection;

public sealed class AnchorsTests
{
    [Fact]
    public void They_are_torchvisions()
    {
        foreach (var expected in RetinaNetReference.Instance.Anchors)
        {
            var anchors = Anchors.Create(expected.Height, expected.Width, [.. expected.Grids.Select(grid => (grid[0], grid[1]))]);

            expected.Shape.ShouldBe([anchors.Length, 4]);
            var values = MemoryMarshal.Cast<Box, float>(anchors).ToArray();
            expected.Samples.Select((_, k) => values[(long)k * values.Length / expected.Samples.Length]).ShouldBe(expected.Samples);
            values.Average(value => (double)value).ShouldBe(expected.Mean, 1e-9);
            values.Average(value => Math.Abs((double)value)).ShouldBe(expected.MeanAbs, 1e-9);
        }
    }

    [Fact]
    public void A_cell_has_three_ratios_of_three_sizes() =>
        Anchors.OfCell[0].ShouldBe(
        [
            new Box(-23, -11, 23, 11), new Box(-28, -14, 28, 14), new Box(-35, -18, 35, 18),
            new Box(-16, -16, 16, 16), new Box(-20, -20, 20, 20), new Box(-25, -25, 25, 25),
            new Box(-11, -23, 11, 23), new Box(-14, -28, 14, 28), new Box(-18, -35, 18, 35),
        ]);
}
