using System.Runtime.Intrinsics;
using GenIsp.Isp.Fused;
using GenIsp.Isp.Kernels;
using static TorchSharp.torch;

namespace GenIsp.Isp;

/// <summary>
/// InstanceNorm without weights, LeakyReLU, and a 1×1 convolution to three channels, as one operation with a gradient. The activated
/// features are never written, neither forward nor back: both ways make them again from the plain ones, which are read twice each way.
/// </summary>
internal sealed unsafe class NormActivationProjection : autograd.SingleTensorFunction<NormActivationProjection>
{
    private const int Outputs = 3;

    private static readonly ProjectionPass Pass = Vector512.IsHardwareAccelerated ? new ProjectionPass<Simd512, Vector512<float>>()
        : Vector256.IsHardwareAccelerated ? new ProjectionPass<Simd256, Vector256<float>>()
        : new ProjectionPass<Simd128, Vector128<float>>();

    /// <inheritdoc/>
    public override string Name => nameof(NormActivationProjection);

    /// <summary>weight · LeakyReLU((x − mean) / √(variance + ε)) + bias, mean and variance of each picture's channel.</summary>
    /// <param name="features">[N, C, H, W]; <see cref="Pixels"/>.</param>
    /// <param name="weight">[3, C, 1, 1].</param>
    /// <param name="bias">[3].</param>
    /// <param name="slope">Of LeakyReLU below 0.</param>
    /// <param name="epsilon">ε.</param>
    /// <returns>[N, 3, H, W], contiguous.</returns>
    public static Tensor Apply(Tensor features, Tensor weight, Tensor bias, double slope, double epsilon) =>
        is_grad_enabled()
            ? apply(features, weight, bias, (float)slope, epsilon)
            : Forward(features, weight.Numbers<float>(), bias.Numbers<float>(), (float)slope, epsilon, out _);

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (features, weights) = ((Tensor)vars[0], ((Tensor)vars[1]).Numbers<float>());
        var result = Forward(features, weights, ((Tensor)vars[2]).Numbers<float>(), (float)vars[3], (double)vars[4], out var norms);
        ctx.save_for_backward([features]);
        ctx.save_data("weights", weights);
        ctx.save_data("norms", norms);
        ctx.save_data("slope", vars[3]);
        return result;
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var features = ctx.get_saved_variables()[0];
        var (weights, slope) = ((float[])ctx.get_data("weights"), (float)ctx.get_data("slope"));
        var norms = (float[][])ctx.get_data("norms");
        var gradient = Pixels.Empty(features.shape);
        using var outer = grad_output.contiguous();
        var colors = new Planes(outer);
        Pixels from = new(features), to = new(gradient);
        var channels = from.Channels;
        var sums = from.ForEach(
            (picture, start, count, sums) =>
            {
                fixed (float* weight = weights, norm = norms[picture])
                    Pass.Sums(new Colors(colors, picture, start), from.At(picture, start), count, channels, weight, norm, slope, sums);
            },
            (1 + Outputs) * channels);
        // Of d · z there is no need of a sum of its own: d is weight · outer · slope, and z · slope is the activated value.
        var means = Array.ConvertAll(sums, picture => Means(picture, weights, channels, from.Size));
        from.ForEach((picture, start, count, _) =>
        {
            fixed (float* weight = weights, norm = norms[picture], mean = means[picture])
            {
                Pass.Correct(
                    new Colors(colors, picture, start), from.At(picture, start), to.At(picture, start), count, channels, weight, norm, slope,
                    mean);
            }
        });
        var ofWeights = new float[weights.Length];
        for (var i = 0; i < ofWeights.Length; i++)
            ofWeights[i] = (float)sums.Sum(picture => picture[channels + i]);
        return [gradient, tensor(ofWeights, [Outputs, channels, 1, 1]), outer.sum([0, 2, 3]), null!, null!];
    }

    private static float[] Means(double[] sums, float[] weights, int channels, int size)
    {
        var means = new float[2 * channels];
        for (var i = 0; i < channels; i++)
        {
            means[i] = (float)(sums[i] / size);
            for (var output = 1; output <= Outputs; output++)
                means[channels + i] += (float)(weights[(output - 1) * channels + i] * sums[output * channels + i] / size);
        }
        return means;
    }

    private static Tensor Forward(Tensor features, float[] weights, float[] bias, float slope, double epsilon, out float[][] norms)
    {
        var result = empty([features.shape[0], Outputs, features.shape[2], features.shape[3]], dtype: ScalarType.Float32);
        var (from, to) = (new Pixels(features), new Planes(result));
        var found = from.Normalization(epsilon);
        from.ForEach((picture, start, count, _) =>
        {
            fixed (float* weight = weights, norm = found[picture])
                Pass.Project(from.At(picture, start), new Colors(to, picture, start), count, from.Channels, weight, bias, norm, slope);
        });
        norms = found;
        return result;
    }
}
