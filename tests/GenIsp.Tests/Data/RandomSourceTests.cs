using GenIsp.Data;

namespace GenIsp.Tests.Data;

public sealed class RandomSourceTests
{
    [Fact]
    public void Bits_are_those_of_SplitMix64_for_good()
    {
        // Of the reference implementation by Vigna, seed 1234567.
        ulong[] expected = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821];
        var random = new RandomSource(1234567);
        foreach (var bits in expected)
            random.NextBits().ShouldBe(bits);
    }

    [Fact]
    public void Normal_numbers_follow_the_bell_curve_in_every_part()
    {
        // Bins that cross all layers of the ziggurat, and both tails. Counts are binomial: five deviations never happen by chance.
        const int Count = 4_000_000;
        const double Tail = 3.6541528853610088;
        double[] edges = [-5, -4, -Tail, -3.3, -2.5, -1.8, -1, -0.5, -0.2, 0, 0.2, 0.5, 1, 1.8, 2.5, 3.3, Tail, 4, 5];
        var counts = new int[edges.Length + 1];
        double sum = 0, squares = 0, fourths = 0;
        var random = new RandomSource(99);
        for (var i = 0; i < Count; i++)
        {
            var x = random.NextNormal();
            sum += x;
            squares += x * x;
            fourths += x * x * x * x;
            var bin = Array.BinarySearch(edges, x);
            counts[bin < 0 ? ~bin : bin]++;
        }

        (sum / Count).ShouldBe(0, 5 / Math.Sqrt(Count));
        (squares / Count).ShouldBe(1, 5 * Math.Sqrt(2.0 / Count));
        (fourths / Count).ShouldBe(3, 5 * Math.Sqrt(96.0 / Count)); // the variance of x⁴ is 105 − 9
        double[] cumulative = [0, .. edges.Select(NormalDistribution), 1];
        for (var bin = 0; bin < counts.Length; bin++)
        {
            var expected = Count * (cumulative[bin + 1] - cumulative[bin]);
            ((double)counts[bin]).ShouldBe(expected, 5 * Math.Sqrt(expected) + 1, $"bin {bin}");
        }
    }

    [Fact]
    public void Derived_seeds_are_stable_and_differ_by_every_part()
    {
        // The first eight bytes of SHA-256 of "7", a zero byte and "a.jpg".
        Seeds.Derive(7, "a.jpg").ShouldBe(1215848372641985466UL);
        new[] { Seeds.Derive(7, "a.jpg"), Seeds.Derive(8, "a.jpg"), Seeds.Derive(7, "b.jpg"), Seeds.Derive(7, "a.jpg", "noise") }
            .ShouldBeUnique();
    }

    // By Simpson's rule on the density: independent of any table, and exact to 1e-12.
    private static double NormalDistribution(double x)
    {
        const int Steps = 2000;
        var h = x / Steps;
        double sum = 0;
        for (var i = 0; i <= Steps; i++)
            sum += Math.Exp(-0.5 * (i * h) * (i * h)) * (i is 0 or Steps ? 1 : i % 2 == 1 ? 4 : 2);
        return 0.5 + sum * h / 3 / Math.Sqrt(2 * Math.PI);
    }
}
