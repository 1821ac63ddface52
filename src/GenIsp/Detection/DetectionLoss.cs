using static TorchSharp.torch;

namespace GenIsp.Detection;

/// <summary>
/// The two losses that train an ISP under a detector: pure functions of tensors, with a gradient, each a sum over all elements. Who calls
/// divides by the number of positives.
/// </summary>
internal static class DetectionLoss
{
    // Beyond these a probability has no gradient. The least is below the product of two sigmoids of -30, so that a detector that sees
    // nothing in the dark can still be led out of it, and 1 / p stays far from float32's bound. The largest is the last float32 before 1:
    // a sigmoid that gave 1 has no gradient anyway.
    internal const double LeastProbability = 1e-30;
    internal const double LargestProbability = 1 - 1.0 / (1 << 24);

    // torchvision's.
    private const double GIoUEpsilon = 1e-7;

    /// <summary>
    /// −α_t (1 − p_t)^γ ln p_t (arXiv 1708.02002, equation 5) with p = sigmoid(logit): p_t = sigmoid(−u) and −ln p_t = softplus(u), where u
    /// is −logit for what is positive and logit for the rest.
    /// </summary>
    /// <param name="logits">Of any shape, float32.</param>
    /// <param name="positive">Bool, of the same shape.</param>
    /// <param name="options">α and γ.</param>
    /// <returns>A scalar.</returns>
    public static Tensor FocalOfLogits(Tensor logits, Tensor positive, DetectionLossOptions options)
    {
        using var scope = NewDisposeScope();
        var wrongness = logits * positive.to_type(logits.dtype).Times(-2).Plus(1);
        var entropy = wrongness.Softplus();
        return (Alpha(positive, options, logits.dtype) * wrongness.sigmoid().RaisedTo(options.Gamma) * entropy)
            .sum().MoveToOuterDisposeScope();
    }

    /// <summary>The same of probabilities, for a detector that gives no logits.</summary>
    /// <param name="probabilities">Of any shape, float32, 0..1; held in 1e-30..1 − 2⁻²⁴.</param>
    /// <param name="positive">Bool, of the same shape.</param>
    /// <param name="options">α and γ.</param>
    /// <returns>A scalar.</returns>
    public static Tensor FocalOfProbabilities(Tensor probabilities, Tensor positive, DetectionLossOptions options)
    {
        using var scope = NewDisposeScope();
        var held = probabilities.HeldIn(LeastProbability, LargestProbability);
        var other = held.Complement();
        var right = where(positive, held, other);
        var wrong = where(positive, other, held); // 1 - right would be 0 for a negative below 6e-8
        var entropy = -right.log();
        return (Alpha(positive, options, probabilities.dtype) * wrong.RaisedTo(options.Gamma) * entropy).sum().MoveToOuterDisposeScope();
    }

    /// <summary>Smooth L1 or L1 of the differences.</summary>
    /// <param name="predicted">[N, 4], float32: a box's values in units of its anchor or stride.</param>
    /// <param name="target">The same of the true boxes.</param>
    /// <param name="options">Which one, and β.</param>
    /// <returns>A scalar.</returns>
    public static Tensor OfDistances(Tensor predicted, Tensor target, DetectionLossOptions options) => options.BoxLoss switch
    {
        BoxLoss.SmoothL1 => nn.functional.smooth_l1_loss(predicted, target, nn.Reduction.Sum, options.Beta),
        BoxLoss.L1 => nn.functional.l1_loss(predicted, target, nn.Reduction.Sum),
        _ => throw new ArgumentOutOfRangeException(nameof(options), options.BoxLoss, "This measure takes boxes."),
    };

    /// <summary>
    /// 1 − (IoU − (|C| − |A ∪ B|) / |C|), C the smallest box around both (arXiv 1902.09630), as torchvision's
    /// <c>generalized_box_iou_loss</c>.
    /// </summary>
    /// <param name="predicted">[N, 4], float32, x1, y1, x2, y2.</param>
    /// <param name="target">The same of the true boxes.</param>
    /// <returns>A scalar.</returns>
    public static Tensor GIoU(Tensor predicted, Tensor target)
    {
        using var scope = NewDisposeScope();
        var (p1, p2, t1, t2) = (predicted[.., ..2], predicted[.., 2..], target[.., ..2], target[.., 2..]);
        var intersection = (minimum(p2, t2) - maximum(p1, t1)).relu().prod(1);
        var union = (p2 - p1).prod(1).Plus((t2 - t1).prod(1)) - intersection;
        var around = (maximum(p2, t2) - minimum(p1, t1)).prod(1);
        var giou = intersection / union.Plus(GIoUEpsilon) - (around - union) / around.Plus(GIoUEpsilon);
        return giou.Complement().sum().MoveToOuterDisposeScope();
    }

    /// <summary>Where the classes of the positives are.</summary>
    /// <param name="scores">[N, C]: of N anchors or points.</param>
    /// <param name="positives">The row and the class of each.</param>
    /// <returns>Bool, as large as the scores, and beside them.</returns>
    public static Tensor OneHot(Tensor scores, IEnumerable<(int Row, int Class)> positives)
    {
        using var scope = NewDisposeScope();
        var classes = scores.shape[1];
        var places = tensor(
            positives.Select(one => one.Row * classes + one.Class).ToArray(), dtype: ScalarType.Int64, device: scores.device);
        var hot = ones_like(places, dtype: ScalarType.Bool);
        return zeros(scores.numel(), dtype: ScalarType.Bool, device: scores.device).scatter_(0, places, hot).view(scores.shape)
            .MoveToOuterDisposeScope();
    }

    private static Tensor Alpha(Tensor positive, DetectionLossOptions options, ScalarType type) =>
        positive.to_type(type).Times(2 * options.Alpha - 1).Plus(1 - options.Alpha);
}
