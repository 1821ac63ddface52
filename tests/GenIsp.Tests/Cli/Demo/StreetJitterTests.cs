using GenIsp.Cli.Demo;

namespace GenIsp.Tests.Cli.Demo;

public sealed class StreetJitterTests
{
    // Planes of red, green and blue: a red, a gray and a dark blue pixel.
    private static readonly float[] Pixels = [0.8f, 0.5f, 0.1f, 0.2f, 0.5f, 0.1f, 0.2f, 0.5f, 0.4f];

    [Fact]
    public void Nothing_changes_nothing() => StreetJitter.None.Apply(Pixels).ShouldBe(Pixels, 1e-6);

    [Fact]
    public void Each_part_does_what_it_says()
    {
        (StreetJitter.None with { Gamma = 2 }).Apply(Pixels)
            .ShouldBe([0.64f, 0.25f, 0.01f, 0.04f, 0.25f, 0.01f, 0.04f, 0.25f, 0.16f], 1e-6);
        (StreetJitter.None with { Gain = 2 }).Apply(Pixels).ShouldBe(Pixels.Select(value => Math.Min(1, 2 * value)), 1e-6);
        var mean = Pixels.Average();
        (StreetJitter.None with { Contrast = 0.5f }).Apply(Pixels).ShouldBe(Pixels.Select(value => mean + (value - mean) / 2), 1e-6);
        (StreetJitter.None with { Saturation = 0 }).Apply(Pixels)
            .ShouldBe([0.4f, 0.5f, 0.2f, 0.4f, 0.5f, 0.2f, 0.4f, 0.5f, 0.2f], 1e-6);
        (StreetJitter.None with { Red = 2, Blue = 3 }).Apply(Pixels)
            .ShouldBe([1, 1, 0.2f, 0.2f, 0.5f, 0.1f, 0.6f, 1, 1], 1e-6);
    }

    [Fact]
    public void The_same_seed_draws_the_same_and_each_part_stays_alone_half_of_the_time()
    {
        StreetJitter.Draw(7).ShouldBe(StreetJitter.Draw(7));
        var drawn = Enumerable.Range(0, 400).Select(seed => StreetJitter.Draw((ulong)seed)).ToList();
        (Func<StreetJitter, float> Of, float Most)[] parts =
        [
            (j => j.Gamma, 1.8f), (j => j.Gain, 1.5f), (j => j.Contrast, 1.8f), (j => j.Saturation, 1.8f), (j => j.Red, 1.25f),
            (j => j.Blue, 1.25f),
        ];
        foreach (var (part, most) in parts)
        {
            var factors = drawn.Select(part).ToList();
            factors.Count(factor => factor == 1).ShouldBeInRange(150, 250);
            factors.ShouldAllBe(factor => factor >= 0.999f / most && factor <= 1.001f * most);
            factors.ShouldContain(factor => factor < 1);
            factors.ShouldContain(factor => factor > 1);
        }
    }
}
