using System.Numerics;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace GenIsp.Isp;

/// <summary>
/// InstanceNorm without weights, then LeakyReLU, as one operation with a gradient. libtorch's two read the features five times forward and
/// nine times back, its sums one number after the other, and keep both results; this reads them twice each way, eight numbers at a time,
/// and keeps one: the normalised value is the activated one, divided by the slope where it is negative.
/// </summary>
internal sealed class NormActivation : autograd.SingleTensorFunction<NormActivation>
{
    /// <inheritdoc/>
    public override string Name => nameof(NormActivation);

    /// <summary>LeakyReLU of (x − mean) / √(variance + ε), mean and variance of each picture's channel (arXiv 1607.08022).</summary>
    /// <param name="features">[N, C, H, W]; <see cref="Planes"/>.</param>
    /// <param name="slope">Of LeakyReLU below 0; far enough above 0 to divide by.</param>
    /// <param name="epsilon">ε.</param>
    public static Tensor Apply(Tensor features, double slope, double epsilon) =>
        is_grad_enabled() && features.requires_grad
            ? apply(features, (float)slope, epsilon)
            : Forward(features, (float)slope, epsilon, out _);

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var result = Forward((Tensor)vars[0], (float)vars[1], (double)vars[2], out var scales);
        ctx.save_for_backward([result]);
        ctx.save_data("scales", scales);
        ctx.save_data("slope", vars[1]);
        return result;
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var result = ctx.get_saved_variables()[0];
        var gradient = empty_like(result);
        using var outer = grad_output.contiguous();
        var (scales, slope) = ((float[])ctx.get_data("scales"), (float)ctx.get_data("slope"));
        Planes from = new(outer), activated = new(result), to = new(gradient);
        Planes.ForEach(scales.Length, i => Back(from[i], activated[i], to[i], slope, scales[i]));
        return [gradient, null!, null!];
    }

    private static Tensor Forward(Tensor features, float slope, double epsilon, out float[] scales)
    {
        var result = empty_like(features);
        var found = new float[features.shape[0] * features.shape[1]];
        Planes from = new(features), to = new(result);
        Planes.ForEach(found.Length, i => found[i] = Normalize(from[i], to[i], slope, epsilon));
        scales = found;
        return result;
    }

    private static float Normalize(ReadOnlySpan<float> from, Span<float> to, float slope, double epsilon)
    {
        var (scale, offset) = Planes.Normalization(from, epsilon);
        var source = MemoryMarshal.Cast<float, Vector<float>>(from);
        var target = MemoryMarshal.Cast<float, Vector<float>>(to);
        for (var i = 0; i < source.Length; i++)
        {
            var value = source[i] * scale + new Vector<float>(offset);
            target[i] = Vector.ConditionalSelect(Vector.GreaterThan(value, Vector<float>.Zero), value, value * slope);
        }
        for (var i = source.Length * Vector<float>.Count; i < from.Length; i++)
        {
            var value = from[i] * scale + offset;
            to[i] = value > 0 ? value : value * slope;
        }
        return scale;
    }

    // With z the normalised value and d the gradient of z: scale · (d − mean(d) − z · mean(d · z)).
    private static void Back(ReadOnlySpan<float> outer, ReadOnlySpan<float> result, Span<float> gradient, float slope, float scale)
    {
        var (sum, product) = (0.0, 0.0);
        for (var start = 0; start < outer.Length; start += Planes.Block)
        {
            var length = Math.Min(Planes.Block, outer.Length - start);
            var d = outer.Slice(start, length);
            var y = result.Slice(start, length);
            var ds = MemoryMarshal.Cast<float, Vector<float>>(d);
            var ys = MemoryMarshal.Cast<float, Vector<float>>(y);
            var (sums, products) = (Vector<float>.Zero, Vector<float>.Zero);
            for (var i = 0; i < ds.Length; i++)
            {
                // slope · d times y / slope is d · y on either side of 0.
                sums += ds[i] * Planes.Slopes(ys[i], slope);
                products += ds[i] * ys[i];
            }
            var (partial, partialProduct) = (Vector.Sum(sums), Vector.Sum(products));
            for (var i = ds.Length * Vector<float>.Count; i < length; i++)
            {
                partial += d[i] * (y[i] > 0 ? 1 : slope);
                partialProduct += d[i] * y[i];
            }
            sum += partial;
            product += partialProduct;
        }
        var (mean, correlation) = ((float)(sum / outer.Length), (float)(product / outer.Length));
        var all = MemoryMarshal.Cast<float, Vector<float>>(outer);
        var activated = MemoryMarshal.Cast<float, Vector<float>>(result);
        var target = MemoryMarshal.Cast<float, Vector<float>>(gradient);
        var (one, inverse) = (Vector<float>.One, new Vector<float>(1 / slope));
        for (var i = 0; i < all.Length; i++)
        {
            var positive = Vector.GreaterThan(activated[i], Vector<float>.Zero);
            var d = all[i] * Vector.ConditionalSelect(positive, one, new Vector<float>(slope));
            var z = activated[i] * Vector.ConditionalSelect(positive, one, inverse);
            target[i] = (d - new Vector<float>(mean) - z * correlation) * scale;
        }
        for (var i = all.Length * Vector<float>.Count; i < outer.Length; i++)
        {
            var (d, z) = result[i] > 0 ? (outer[i], result[i]) : (outer[i] * slope, result[i] / slope);
            gradient[i] = (d - mean - z * correlation) * scale;
        }
    }
}
