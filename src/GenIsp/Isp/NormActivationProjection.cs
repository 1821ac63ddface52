using System.Numerics;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace GenIsp.Isp;

/// <summary>
/// InstanceNorm without weights, LeakyReLU, and a 1×1 convolution to three channels, as one operation with a gradient. The activated
/// features are never written, neither forward nor back: both ways make them again from the plain ones, which are read twice each way.
/// </summary>
internal sealed class NormActivationProjection : autograd.SingleTensorFunction<NormActivationProjection>
{
    private const int Outputs = 3;

    /// <inheritdoc/>
    public override string Name => nameof(NormActivationProjection);

    /// <summary>weight · LeakyReLU((x − mean) / √(variance + ε)) + bias, mean and variance of each picture's channel.</summary>
    /// <param name="features">[N, C, H, W]; <see cref="Planes"/>.</param>
    /// <param name="weight">[3, C, 1, 1].</param>
    /// <param name="bias">[3].</param>
    /// <param name="slope">Of LeakyReLU below 0.</param>
    /// <param name="epsilon">ε.</param>
    /// <returns>[N, 3, H, W].</returns>
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
        var norms = ((float Scale, float Offset)[])ctx.get_data("norms");
        var gradient = empty_like(features);
        using var outer = grad_output.contiguous();
        var channels = (int)features.shape[1];
        var products = new Vector3[norms.Length];
        Planes colors = new(outer), plain = new(features), to = new(gradient);
        Planes.ForEach(norms.Length, i =>
        {
            var (picture, channel) = Math.DivRem(i, channels);
            var first = Outputs * picture;
            products[i] = Back(
                colors[first], colors[first + 1], colors[first + 2], plain[i], to[i], WeightOf(weights, channel), norms[i], slope);
        });
        var ofWeights = new float[weights.Length];
        for (var i = 0; i < products.Length; i++)
        {
            for (var output = 0; output < Outputs; output++)
                ofWeights[output * channels + i % channels] += products[i][output];
        }
        return [gradient, tensor(ofWeights, [Outputs, channels, 1, 1]), outer.sum([0, 2, 3]), null!, null!];
    }

    private static Tensor Forward(
        Tensor features, float[] weights, float[] bias, float slope, double epsilon, out (float Scale, float Offset)[] norms)
    {
        var (pictures, channels) = ((int)features.shape[0], (int)features.shape[1]);
        var found = new (float Scale, float Offset)[pictures * channels];
        var result = empty([pictures, Outputs, features.shape[2], features.shape[3]], dtype: ScalarType.Float32);
        Planes from = new(features), to = new(result);
        Planes.ForEach(found.Length, i => found[i] = Planes.Normalization(from[i], epsilon));
        var blocks = (from.Size + Planes.Block - 1) / Planes.Block;
        Planes.ForEach(pictures * blocks, i =>
        {
            var (picture, block) = Math.DivRem(i, blocks);
            var (start, end) = (block * Planes.Block, Math.Min((block + 1) * Planes.Block, from.Size));
            var red = to[Outputs * picture][start..end];
            var green = to[Outputs * picture + 1][start..end];
            var blue = to[Outputs * picture + 2][start..end];
            red.Fill(bias[0]);
            green.Fill(bias[1]);
            blue.Fill(bias[2]);
            for (var channel = 0; channel < channels; channel++)
            {
                var plane = picture * channels + channel;
                Project(from[plane][start..end], red, green, blue, WeightOf(weights, channel), found[plane], slope);
            }
        });
        norms = found;
        return result;
    }

    private static void Project(
        ReadOnlySpan<float> features, Span<float> red, Span<float> green, Span<float> blue, Vector3 weight, (float Scale, float Offset) norm,
        float slope)
    {
        var xs = MemoryMarshal.Cast<float, Vector<float>>(features);
        var reds = MemoryMarshal.Cast<float, Vector<float>>(red);
        var greens = MemoryMarshal.Cast<float, Vector<float>>(green);
        var blues = MemoryMarshal.Cast<float, Vector<float>>(blue);
        for (var i = 0; i < xs.Length; i++)
        {
            var z = xs[i] * norm.Scale + new Vector<float>(norm.Offset);
            var activated = z * Planes.Slopes(z, slope);
            reds[i] += activated * weight.X;
            greens[i] += activated * weight.Y;
            blues[i] += activated * weight.Z;
        }
        for (var i = xs.Length * Vector<float>.Count; i < features.Length; i++)
        {
            var z = features[i] * norm.Scale + norm.Offset;
            var activated = z > 0 ? z : z * slope;
            red[i] += activated * weight.X;
            green[i] += activated * weight.Y;
            blue[i] += activated * weight.Z;
        }
    }

    // With z the normalised value and d the gradient of z: scale · (d − mean(d) − z · mean(d · z)). Returns the gradient of the weights,
    // which holds the sum of d · z as well: d is weight · outer · slope, and z · slope is the activated value.
    private static Vector3 Back(
        ReadOnlySpan<float> red, ReadOnlySpan<float> green, ReadOnlySpan<float> blue, ReadOnlySpan<float> features, Span<float> gradient,
        Vector3 weight, (float Scale, float Offset) norm, float slope)
    {
        var sum = 0.0;
        Span<double> products = stackalloc double[Outputs];
        for (var start = 0; start < features.Length; start += Planes.Block)
        {
            var block = start..Math.Min(start + Planes.Block, features.Length);
            sum += Sums(red[block], green[block], blue[block], features[block], weight, norm, slope, products);
        }
        var ofWeights = new Vector3((float)products[0], (float)products[1], (float)products[2]);
        var correlation = weight.X * products[0] + weight.Y * products[1] + weight.Z * products[2];
        Correct(
            red, green, blue, features, gradient, weight, norm, slope, (float)(sum / features.Length), (float)(correlation / features.Length));
        return ofWeights;
    }

    // Of d; and adds those of outer · activated to the products.
    private static double Sums(
        ReadOnlySpan<float> red, ReadOnlySpan<float> green, ReadOnlySpan<float> blue, ReadOnlySpan<float> features, Vector3 weight,
        (float Scale, float Offset) norm, float slope, Span<double> products)
    {
        var xs = MemoryMarshal.Cast<float, Vector<float>>(features);
        var reds = MemoryMarshal.Cast<float, Vector<float>>(red);
        var greens = MemoryMarshal.Cast<float, Vector<float>>(green);
        var blues = MemoryMarshal.Cast<float, Vector<float>>(blue);
        var (sums, ofRed, ofGreen, ofBlue) = (Vector<float>.Zero, Vector<float>.Zero, Vector<float>.Zero, Vector<float>.Zero);
        for (var i = 0; i < xs.Length; i++)
        {
            var z = xs[i] * norm.Scale + new Vector<float>(norm.Offset);
            var slopes = Planes.Slopes(z, slope);
            var activated = z * slopes;
            sums += (reds[i] * weight.X + greens[i] * weight.Y + blues[i] * weight.Z) * slopes;
            ofRed += reds[i] * activated;
            ofGreen += greens[i] * activated;
            ofBlue += blues[i] * activated;
        }
        var (sum, byRed, byGreen, byBlue) = (Vector.Sum(sums), Vector.Sum(ofRed), Vector.Sum(ofGreen), Vector.Sum(ofBlue));
        for (var i = xs.Length * Vector<float>.Count; i < features.Length; i++)
        {
            var z = features[i] * norm.Scale + norm.Offset;
            var steepness = z > 0 ? 1 : slope;
            sum += (red[i] * weight.X + green[i] * weight.Y + blue[i] * weight.Z) * steepness;
            byRed += red[i] * z * steepness;
            byGreen += green[i] * z * steepness;
            byBlue += blue[i] * z * steepness;
        }
        products[0] += byRed;
        products[1] += byGreen;
        products[2] += byBlue;
        return sum;
    }

    private static void Correct(
        ReadOnlySpan<float> red, ReadOnlySpan<float> green, ReadOnlySpan<float> blue, ReadOnlySpan<float> features, Span<float> gradient,
        Vector3 weight, (float Scale, float Offset) norm, float slope, float mean, float correlation)
    {
        var xs = MemoryMarshal.Cast<float, Vector<float>>(features);
        var reds = MemoryMarshal.Cast<float, Vector<float>>(red);
        var greens = MemoryMarshal.Cast<float, Vector<float>>(green);
        var blues = MemoryMarshal.Cast<float, Vector<float>>(blue);
        var target = MemoryMarshal.Cast<float, Vector<float>>(gradient);
        for (var i = 0; i < xs.Length; i++)
        {
            var z = xs[i] * norm.Scale + new Vector<float>(norm.Offset);
            var d = (reds[i] * weight.X + greens[i] * weight.Y + blues[i] * weight.Z) * Planes.Slopes(z, slope);
            target[i] = (d - new Vector<float>(mean) - z * correlation) * norm.Scale;
        }
        for (var i = xs.Length * Vector<float>.Count; i < features.Length; i++)
        {
            var z = features[i] * norm.Scale + norm.Offset;
            var d = (red[i] * weight.X + green[i] * weight.Y + blue[i] * weight.Z) * (z > 0 ? 1 : slope);
            gradient[i] = (d - mean - z * correlation) * norm.Scale;
        }
    }

    private static Vector3 WeightOf(float[] weights, int channel)
    {
        var channels = weights.Length / Outputs;
        return new Vector3(weights[channel], weights[channels + channel], weights[2 * channels + channel]);
    }
}
