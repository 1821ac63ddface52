using System.Text.Json;
using GenIsp.Geometry;
using static TorchSharp.torch;

namespace GenIsp.Tests.Detection;

/// <summary>What torchvision 0.14.1 and a plain SimOTA computed: tests/reference/losses.py wrote it.</summary>
internal sealed record LossReference(
    IReadOnlyDictionary<string, ValueWithGradient> Functions,
    MatchesCase[] Matches,
    HeadsCase[] Heads,
    IReadOnlyDictionary<string, GradientsCase> Gradients,
    SimOtaCase[] SimOta)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public static LossReference Instance { get; } = JsonSerializer.Deserialize<LossReference>(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Fixtures", "losses.json")), Json)!;

    /// <summary>The script's boxes: corners from 0 on, sides in between.</summary>
    public static Box[] Boxes(string name, int count, float width, float height, float least, float most)
    {
        float[] Part(string part, float low, float high) => PseudoWeights.Between($"{name}.{part}", count, low, high);
        var (x, y, w, h) = (Part("x", 0, width), Part("y", 0, height), Part("w", least, most), Part("h", least, most));
        return [.. Enumerable.Range(0, count).Select(i => Box.FromXywh(x[i], y[i], w[i], h[i]))];
    }

    /// <summary>The script's classes, from 0 on.</summary>
    public static int[] Labels(string name, int count, int classes) =>
        Array.ConvertAll(PseudoWeights.Between(name, count, 0, 1), value => (int)(value * classes));

    /// <summary>Holds a value and its gradient to the reference, the gradient relative to its largest element.</summary>
    public static void ShouldAgree(Tensor value, Tensor argument, ValueWithGradient expected, double tolerance)
    {
        value.backward();
        ((double)value.item<float>()).ShouldBe(expected.Value, tolerance * Math.Max(1, expected.Value));
        ShouldAgree(argument.grad!, expected.Gradient, tolerance);
    }

    /// <summary>Holds a tensor to the reference, relative to its largest element; one sample of a hundred may be rarely that far.</summary>
    public static void ShouldAgree(Tensor actual, TensorSamples expected, double tolerance, double? rarely = null)
    {
        actual.shape.ShouldBe(expected.Shape);
        var values = actual.contiguous().data<float>().ToArray();
        var largest = Math.Max(1e-30, values.Max(Math.Abs));
        var samples = expected.Samples.Select((_, k) => values[(long)k * values.Length / expected.Samples.Length]);
        double[] distances = [.. samples.Zip(expected.Samples, (value, sample) => Math.Abs((double)value - sample) / largest)
            .OrderDescending()];
        distances[0].ShouldBeLessThanOrEqualTo(rarely ?? tolerance);
        distances[rarely is null ? 0 : distances.Length / 100].ShouldBeLessThanOrEqualTo(tolerance);
        // Rounding falls to both sides: of all values, a tenth remains.
        values.Average(value => (double)value).ShouldBe(expected.Mean, tolerance / 10 * expected.MeanAbs);
        values.Average(value => Math.Abs((double)value)).ShouldBe(expected.MeanAbs, tolerance / 10 * expected.MeanAbs);
    }
}

/// <summary>A function's value, and its gradient to its argument.</summary>
internal sealed record ValueWithGradient(double Value, TensorSamples Gradient);

/// <summary>Which boxes anchors of small whole coordinates stand for.</summary>
internal sealed record MatchesCase(int Salt, int[] Matches);

/// <summary>The losses of both heads for one image.</summary>
internal sealed record HeadsCase(
    int Boxes, ValueWithGradient Classification, ValueWithGradient L1, ValueWithGradient Giou, ValueWithGradient SmoothL1OfBeta1);

/// <summary>The losses of a whole detector, and their gradients to its images.</summary>
internal sealed record GradientsCase(
    int[][] Labels, double Classification, double Boxes, TensorSamples[] ClassificationGradients, TensorSamples[] BoxGradients);

/// <summary>Which boxes points stand for.</summary>
internal sealed record SimOtaCase(int Salt, int Boxes, float Centre, int[] Assigned);
