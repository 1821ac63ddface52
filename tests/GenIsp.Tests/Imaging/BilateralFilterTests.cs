using System.Text.Json;
using GenIsp.Data;
using GenIsp.Imaging;

namespace GenIsp.Tests.Imaging;

public sealed class BilateralFilterTests
{
    [Fact]
    public void Equals_the_filter_written_out_pixel_by_pixel()
    {
        using var fixture = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Fixtures", "bilateral.json")));
        foreach (var test in fixture.RootElement.GetProperty("cases").EnumerateArray())
        {
            var (width, height) = (test.GetProperty("width").GetInt32(), test.GetProperty("height").GetInt32());
            var expected = test.GetProperty("pixels").EnumerateArray().Select(value => value.GetSingle()).ToArray();

            var found = BilateralFilter.Apply(
                Picture(width, height), width, test.GetProperty("radius").GetInt32(),
                test.GetProperty("sigma_color").GetSingle(), test.GetProperty("sigma_space").GetSingle());

            found.Length.ShouldBe(expected.Length);
            for (var i = 0; i < found.Length; i++)
                found[i].ShouldBe(expected[i], 2e-6f); // float32 against float64: sums of at most 49 weights
        }
    }

    [Fact]
    public void A_plain_surface_stays_as_it_is_to_the_last_bit()
    {
        var pixels = Enumerable.Repeat(0.3f, 3 * 21 * 13).ToArray();

        BilateralFilter.Apply(pixels, 21, 4, 0.6f, 2).ShouldBe(pixels);
    }

    [Fact]
    public void A_strong_edge_is_kept()
    {
        var pixels = Enumerable.Range(0, 3 * 20 * 20).Select(i => i % 20 < 10 ? 0.1f : 0.9f).ToArray();

        // Three channels differ by 0.8: together 4 deviations of 0.6, a weight of 3e-4.
        foreach (var (found, given) in BilateralFilter.Apply(pixels, 20, 4, 0.6f, 2).Zip(pixels))
            found.ShouldBe(given, 3e-4f); // of a step of 0.8
    }

    [Fact]
    public void Noise_falls_and_the_mean_stays()
    {
        var random = new RandomSource(1);
        var pixels = Enumerable.Range(0, 3 * 64 * 64).Select(_ => (float)(0.5 + 0.05 * random.NextNormal())).ToArray();

        var found = BilateralFilter.Apply(pixels, 64, 4, 0.6f, 2);

        found.Average().ShouldBe(0.5f, 0.002f);
        Variance(found).ShouldBeLessThan(Variance(pixels) / 10);
    }

    [Fact]
    public void A_single_pixel_is_its_own_mean() =>
        BilateralFilter.Apply(new[] { 0.1f, 0.5f, 0.9f }, 1, 4, 0.6f, 2).ShouldBe([0.1f, 0.5f, 0.9f]);

    private static double Variance(float[] values)
    {
        var mean = values.Average(value => (double)value);
        return values.Average(value => (value - mean) * (value - mean));
    }

    // The same as in tests/reference/bilateral.py.
    private static float[] Picture(int width, int height) =>
    [
        .. from c in Enumerable.Range(0, 3)
           from y in Enumerable.Range(0, height)
           from x in Enumerable.Range(0, width)
           let noise = (x * x * 37 + y * y * 91 + x * y * 13 + c * 57) % 101 / 101.0
           select (float)((x > 0.4 * width ? 0.6 : 0) + 0.4 * noise),
    ];
}
