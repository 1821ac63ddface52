using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using GenIsp.Isp;
using static TorchSharp.torch;

namespace GenIsp.Detection;

/// <summary>
/// The focal loss of all anchors, or points, and classes, and its gradient, as one operation. libtorch's dozen read and write twenty times
/// as many numbers as there are scores, which are the most numerous of a detector's outputs.
/// </summary>
/// <typeparam name="TScore">What a detector gives: <see cref="Logit"/> or <see cref="Probability"/>.</typeparam>
internal sealed unsafe class FocalLoss<TScore> : autograd.SingleTensorFunction<FocalLoss<TScore>>
    where TScore : struct, IFocalScore
{
    // So many anchors' losses may be summed in float32.
    private const int Block = 64;

    /// <inheritdoc/>
    public override string Name => nameof(FocalLoss<TScore>);

    /// <summary>Σ −α_t (1 − p_t)^γ ln p_t (arXiv 1708.02002, equation 5).</summary>
    /// <param name="scores">[A, C], float32.</param>
    /// <param name="classes">
    /// A of them: 0..C − 1, <see cref="AnchorMatcher.Background"/>, or <see cref="AnchorMatcher.Between"/>, which is left out.
    /// </param>
    /// <param name="options">α and γ.</param>
    /// <returns>A scalar.</returns>
    public static Tensor Sum(Tensor scores, int[] classes, DetectionLossOptions options)
    {
        var shape = scores.shape;
        if (classes.Length != shape[0] || classes.Any(one => one < AnchorMatcher.Between || one >= shape[1]))
            throw new ArgumentException($"These are no classes for scores of [{string.Join(", ", shape)}].", nameof(classes));
        scores = scores.contiguous();
        if (!Planes.Has(scores))
            return OfChosen(scores, classes, options);
        return is_grad_enabled() && scores.requires_grad
            ? apply(scores, classes, options)
            : tensor(Compute(scores, null, classes, options), dtype: ScalarType.Float32);
    }

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var scores = (Tensor)vars[0];
        var gradient = empty_like(scores);
        var sum = Compute(scores, gradient, (int[])vars[1], (DetectionLossOptions)vars[2]);
        ctx.save_for_backward([gradient]);
        return tensor(sum, dtype: ScalarType.Float32);
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output) =>
        [ctx.get_saved_variables()[0] * grad_output, null!, null!];

    // Elsewhere than in the processor's memory, or in another dtype.
    private static Tensor OfChosen(Tensor scores, int[] classes, DetectionLossOptions options)
    {
        using var scope = NewDisposeScope();
        int[] valid = [.. Enumerable.Range(0, classes.Length).Where(anchor => classes[anchor] != AnchorMatcher.Between)];
        var chosen = scores.index_select(0, tensor(Array.ConvertAll(valid, anchor => (long)anchor), device: scores.device));
        var positive = DetectionLoss.OneHot(
            chosen, valid.Index().Where(one => classes[one.Item] != AnchorMatcher.Background).Select(one => (one.Index, classes[one.Item])));
        return TScore.Plain(chosen, positive, options).MoveToOuterDisposeScope();
    }

    private static double Compute(Tensor scores, Tensor? gradient, int[] classes, DetectionLossOptions options)
    {
        var columns = (int)scores.shape[1];
        var sums = new double[(classes.Length + Block - 1) / Block];
        float* from = scores.Pointer<float>(), to = gradient is null ? null : gradient.Pointer<float>();
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
        GC.KeepAlive(scores);
        return sums.Sum();
    }

    private static double OfPositive(ReadOnlySpan<float> scores, Span<float> slopes, int positive, DetectionLossOptions options)
    {
        var (before, after) = (..positive, (positive + 1)..);
        var score = new Vector<float>(scores[positive]);
        var loss = TScore.Loss(score, isPositive: true, (float)options.Alpha, (float)options.Gamma, out var slope)[0];
        if (slopes.IsEmpty)
            return loss + OfNegatives(scores[before], [], options) + OfNegatives(scores[after], [], options);
        slopes[positive] = slope[0];
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
            sums += TScore.Loss(vectors[i], isPositive: false, weight, gamma, out var slope);
            if (i < targets.Length)
                targets[i] = slope;
        }
        double sum = Vector.Sum(sums);
        for (var i = vectors.Length * Vector<float>.Count; i < scores.Length; i++)
        {
            sum += TScore.Loss(new Vector<float>(scores[i]), isPositive: false, weight, gamma, out var slope)[0];
            if (i < slopes.Length)
                slopes[i] = slope[0];
        }
        return sum;
    }
}
