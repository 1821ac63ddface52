using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using GenIsp.Isp;
using static GenIsp.VectorMath;
using static TorchSharp.torch;

namespace GenIsp.Detection;

/// <summary>
/// The focal loss of all anchors and classes, and its gradient, as one operation. libtorch's dozen read and write twenty times as many
/// numbers as there are scores, which are the most numerous of a detector's outputs.
/// </summary>
internal sealed unsafe class FocalLoss : autograd.SingleTensorFunction<FocalLoss>
{
    // So many anchors' losses may be summed in float32.
    private const int Block = 64;

    /// <inheritdoc/>
    public override string Name => nameof(FocalLoss);

    /// <summary>
    /// Σ −α_t (1 − p_t)^γ ln p_t (arXiv 1708.02002, equation 5) with p = sigmoid(logit): 1 − p_t = sigmoid(u) and −ln p_t = softplus(u),
    /// where u is −logit for an anchor's class and logit for all others.
    /// </summary>
    /// <param name="logits">[A, C], float32.</param>
    /// <param name="classes">
    /// A of them: 0..C − 1, <see cref="AnchorMatcher.Background"/>, or <see cref="AnchorMatcher.Between"/>, which is left out.
    /// </param>
    /// <param name="options">α and γ.</param>
    /// <returns>A scalar.</returns>
    public static Tensor Sum(Tensor logits, int[] classes, DetectionLossOptions options)
    {
        var shape = logits.shape;
        if (classes.Length != shape[0] || classes.Any(one => one < AnchorMatcher.Between || one >= shape[1]))
            throw new ArgumentException($"These are no classes for logits of [{string.Join(", ", shape)}].", nameof(classes));
        if (!Planes.Has(logits))
            return OfChosen(logits, classes, options);
        return is_grad_enabled() && logits.requires_grad
            ? apply(logits, classes, options)
            : tensor(Compute(logits, null, classes, options), dtype: ScalarType.Float32);
    }

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var logits = (Tensor)vars[0];
        var gradient = empty_like(logits);
        var sum = Compute(logits, gradient, (int[])vars[1], (DetectionLossOptions)vars[2]);
        ctx.save_for_backward([gradient]);
        return tensor(sum, dtype: ScalarType.Float32);
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output) =>
        [ctx.get_saved_variables()[0] * grad_output, null!, null!];

    // Elsewhere than in the processor's memory, or in another dtype.
    private static Tensor OfChosen(Tensor logits, int[] classes, DetectionLossOptions options)
    {
        using var scope = NewDisposeScope();
        int[] valid = [.. Enumerable.Range(0, classes.Length).Where(anchor => classes[anchor] != AnchorMatcher.Between)];
        var chosen = logits.index_select(0, tensor(Array.ConvertAll(valid, anchor => (long)anchor), device: logits.device));
        var positive = DetectionLoss.OneHot(
            chosen, valid.Index().Where(one => classes[one.Item] != AnchorMatcher.Background).Select(one => (one.Index, classes[one.Item])));
        return DetectionLoss.FocalOfLogits(chosen, positive, options).MoveToOuterDisposeScope();
    }

    private static double Compute(Tensor logits, Tensor? gradient, int[] classes, DetectionLossOptions options)
    {
        var columns = (int)logits.shape[1];
        var sums = new double[(classes.Length + Block - 1) / Block];
        float* from = logits.Pointer<float>(), to = gradient is null ? null : gradient.Pointer<float>();
        Planes.ForEach(sums.Length, block =>
        {
            var (row, end) = (block * Block, Math.Min((block + 1) * Block, classes.Length));
            while (row < end)
            {
                var first = row++;
                while (classes[first] == AnchorMatcher.Background && row < end && classes[row] == AnchorMatcher.Background)
                    row++;
                var (place, count) = ((nint)first * columns, (row - first) * columns);
                var slopes = gradient is null ? [] : new Span<float>(to + place, count);
                if (classes[first] == AnchorMatcher.Between)
                    slopes.Clear();
                else if (classes[first] is >= 0 and var positive)
                    sums[block] += OfPositive(new ReadOnlySpan<float>(from + place, count), slopes, positive, options);
                else
                    sums[block] += OfNegatives(new ReadOnlySpan<float>(from + place, count), slopes, options);
            }
        });
        GC.KeepAlive(logits);
        return sums.Sum();
    }

    private static double OfPositive(ReadOnlySpan<float> scores, Span<float> slopes, int positive, DetectionLossOptions options)
    {
        var (before, after) = (..positive, (positive + 1)..);
        var loss = OfWrongness(new Vector<float>(-scores[positive]), (float)options.Alpha, (float)options.Gamma, out var slope)[0];
        if (slopes.IsEmpty)
            return loss + OfNegatives(scores[before], [], options) + OfNegatives(scores[after], [], options);
        slopes[positive] = -slope[0];
        return loss + OfNegatives(scores[before], slopes[before], options) + OfNegatives(scores[after], slopes[after], options);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double OfNegatives(ReadOnlySpan<float> scores, Span<float> slopes, DetectionLossOptions options)
    {
        var (weight, gamma) = ((float)(1 - options.Alpha), (float)options.Gamma);
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(scores);
        var targets = MemoryMarshal.Cast<float, Vector<float>>(slopes);
        var sums = Vector<float>.Zero;
        for (var i = 0; i < vectors.Length; i++)
        {
            sums += OfWrongness(vectors[i], weight, gamma, out var slope);
            if (i < targets.Length)
                targets[i] = slope;
        }
        double sum = Vector.Sum(sums);
        for (var i = vectors.Length * Vector<float>.Count; i < scores.Length; i++)
        {
            sum += OfWrongness(new Vector<float>(scores[i]), weight, gamma, out var slope)[0];
            if (i < slopes.Length)
                slopes[i] = slope[0];
        }
        return sum;
    }

    // α p^γ s with p = sigmoid(u) and s = softplus(u), ln p = u − s; and its derivative, α p^γ (γ (1 − p) s + p).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> OfWrongness(Vector<float> u, float alpha, float gamma, out Vector<float> slope)
    {
        var e = ExpOfNegative(-Vector.Abs(u));
        var log = LogOfOnePlus(e);
        var s = Vector.Max(u, Vector<float>.Zero) + log;
        var whole = Vector<float>.One + e;
        var isPositive = Vector.GreaterThanOrEqual(u, Vector<float>.Zero);
        var p = Vector.ConditionalSelect(isPositive, Vector<float>.One, e) / whole;
        var other = Vector.ConditionalSelect(isPositive, e, Vector<float>.One) / whole;
        var least = Vector.Max(Vector.Min(u, Vector<float>.Zero), new Vector<float>(LeastPower));
        var weight = (gamma == 2 ? p * p : ExpOfNegative((least - log) * gamma)) * alpha;
        slope = weight * (other * s * gamma + p);
        return weight * s;
    }

    // ln(1 + e) of 0..1 = 2 artanh(t), t = e / (2 + e), at most 1 / 3.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> LogOfOnePlus(Vector<float> e)
    {
        var t = e / (e + new Vector<float>(2));
        var square = t * t;
        var sum = Then(2f / 9, square, Then(2f / 11, square, Then(2f / 13, square, new Vector<float>(2f / 15))));
        sum = Then(2, square, Then(2f / 3, square, Then(2f / 5, square, Then(2f / 7, square, sum))));
        return sum * t;
    }
}
