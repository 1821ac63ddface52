using GenIsp.Geometry;
using static TorchSharp.torch;

namespace GenIsp.Detection.RetinaNet;

/// <summary>RetinaNet's loss (arXiv 1708.02002, section 4.1), as torchvision's heads compute it.</summary>
internal static class RetinaNetLoss
{
    /// <summary>The loss of one image, divided by its positives.</summary>
    /// <param name="logits">[A, C], float32.</param>
    /// <param name="regression">[A, 4], float32: dx, dy, dw, dh.</param>
    /// <param name="anchors">A of them.</param>
    /// <param name="boxes">The true ones, in the anchors' frame, with area.</param>
    /// <param name="labels">Of the boxes: columns of the logits.</param>
    /// <param name="options">The loss.</param>
    public static DetectionLossTerms Compute(
        Tensor logits, Tensor regression, ReadOnlySpan<Box> anchors, Box[] boxes, int[] labels, DetectionLossOptions options)
    {
        using var scope = NewDisposeScope();
        var boxOf = AnchorMatcher.Match(boxes, anchors);
        int[] positives = [.. boxOf.Index().Where(one => one.Item >= 0).Select(one => one.Index)];
        var divisor = Math.Max(1, positives.Length);
        var classification = FocalLoss<Logit>.Sum(logits, Array.ConvertAll(boxOf, box => box < 0 ? box : labels[box]), options);

        var places = tensor(Array.ConvertAll(positives, a => (long)a), dtype: ScalarType.Int64, device: regression.device);
        var offsets = regression.index_select(0, places);
        var standing = BoxTensor.At(anchors, positives, regression.device);
        var target = BoxTensor.From(Array.ConvertAll(positives, a => boxes[boxOf[a]]), regression.device);
        var box = options.BoxLoss == BoxLoss.GIoU
            ? DetectionLoss.GIoU(BoxCoder.Decode(offsets, standing), target)
            : DetectionLoss.OfDistances(offsets, BoxCoder.Encode(target, standing), options);
        return new DetectionLossTerms(
            classification.DividedBy(divisor).MoveToOuterDisposeScope(),
            box.DividedBy(divisor).MoveToOuterDisposeScope(),
            positives.Length);
    }
}
