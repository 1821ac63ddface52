using System.Numerics;
using static TorchSharp.torch;

namespace GenIsp.Isp;

/// <summary>
/// InstanceNorm without weights, then LeakyReLU, as one operation with a gradient. libtorch's two read the features five times forward and
/// nine times back, its sums one number after the other, and keep both results; this reads them twice each way, eight numbers at a time,
/// and keeps one: the normalised value is the activated one, divided by the slope where it is negative.
/// </summary>
internal sealed unsafe class NormActivation : autograd.SingleTensorFunction<NormActivation>
{
    /// <inheritdoc/>
    public override string Name => nameof(NormActivation);

    /// <summary>LeakyReLU of (x − mean) / √(variance + ε), mean and variance of each picture's channel (arXiv 1607.08022).</summary>
    /// <param name="features">[N, C, H, W]; <see cref="Pixels"/>.</param>
    /// <param name="slope">Of LeakyReLU below 0; far enough above 0 to divide by.</param>
    /// <param name="epsilon">ε.</param>
    public static Tensor Apply(Tensor features, double slope, double epsilon) =>
        is_grad_enabled() && features.requires_grad
            ? apply(features, (float)slope, epsilon)
            : Forward(features, (float)slope, epsilon, out _);

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var result = Forward((Tensor)vars[0], (float)vars[1], (double)vars[2], out var norms);
        ctx.save_for_backward([result]);
        ctx.save_data("norms", norms);
        ctx.save_data("slope", vars[1]);
        return result;
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var result = ctx.get_saved_variables()[0];
        var gradient = Pixels.Empty(result.shape);
        using var outer = Pixels.ChannelsLast(grad_output);
        var (norms, slope) = ((float[][])ctx.get_data("norms"), (float)ctx.get_data("slope"));
        Pixels from = new(outer), activated = new(result), to = new(gradient);
        var channels = from.Channels;
        var sums = from.ForEach(
            (picture, start, count, sums) => Sums(from.At(picture, start), activated.At(picture, start), count, channels, slope, sums),
            2 * channels);
        var means = Array.ConvertAll(sums, picture => Array.ConvertAll(picture, sum => (float)(sum / from.Size)));
        from.ForEach((picture, start, count, _) =>
        {
            fixed (float* mean = means[picture], scale = norms[picture])
                Correct(from.At(picture, start), activated.At(picture, start), to.At(picture, start), count, channels, slope, mean, scale);
        });
        return [gradient, null!, null!];
    }

    private static Tensor Forward(Tensor features, float slope, double epsilon, out float[][] norms)
    {
        var result = Pixels.Empty(features.shape);
        Pixels from = new(features), to = new(result);
        var found = from.Normalization(epsilon);
        from.ForEach((picture, start, count, _) =>
        {
            fixed (float* norm = found[picture])
                Normalize(from.At(picture, start), to.At(picture, start), count, from.Channels, slope, norm);
        });
        norms = found;
        return result;
    }

    private static void Normalize(float* from, float* to, int count, int channels, float slope, float* norm)
    {
        for (var i = 0; i < channels; i += Vector<float>.Count)
        {
            Vector<float> scale = Vector.Load(norm + i), offset = Vector.Load(norm + channels + i);
            for (var at = i; at < count * channels; at += channels)
            {
                var z = Vector.Load(from + at) * scale + offset;
                (z * Planes.Slopes(z, slope)).Store(to + at);
            }
        }
    }

    // Of d, the gradient of the normalised value z, and of d · z.
    private static void Sums(float* outer, float* activated, int count, int channels, float slope, float* sums)
    {
        for (var i = 0; i < channels; i += Vector<float>.Count)
        {
            Vector<float> sum = default, product = default;
            for (var at = i; at < count * channels; at += channels)
            {
                Vector<float> d = Vector.Load(outer + at), y = Vector.Load(activated + at);
                // slope · d times y / slope is d · y on either side of 0.
                sum += d * Planes.Slopes(y, slope);
                product += d * y;
            }
            sum.Store(sums + i);
            product.Store(sums + channels + i);
        }
    }

    // scale · (d − mean(d) − z · mean(d · z)).
    private static void Correct(
        float* outer, float* activated, float* gradient, int count, int channels, float slope, float* means, float* scales)
    {
        var inverse = new Vector<float>(1 / slope);
        for (var i = 0; i < channels; i += Vector<float>.Count)
        {
            Vector<float> mean = Vector.Load(means + i), correlation = Vector.Load(means + channels + i), scale = Vector.Load(scales + i);
            for (var at = i; at < count * channels; at += channels)
            {
                var y = Vector.Load(activated + at);
                var isPositive = Vector.GreaterThan(y, Vector<float>.Zero);
                var d = Vector.Load(outer + at) * Planes.Slopes(y, slope);
                var z = y * Vector.ConditionalSelect(isPositive, Vector<float>.One, inverse);
                ((d - mean - z * correlation) * scale).Store(gradient + at);
            }
        }
    }
}
