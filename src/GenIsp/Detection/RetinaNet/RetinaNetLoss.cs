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
        Tensor logits, Tensor regression, Box[] anchors, Box[] boxes, int[] labels, DetectionLossOptions options)
    {
        using var scope = NewDisposeScope();
        var boxOf = AnchorMatcher.Match(boxes, anchors);
        int[] valid = [.. Enumerable.Range(0, anchors.Length).Where(a => boxOf[a] != AnchorMatcher.Between)];
        int[] positives = [.. valid.Where(a => boxOf[a] != AnchorMatcher.Background)];
        var divisor = Math.Max(1, positives.Length);

        var chosen = logits.index_select(0, Places(valid, logits.device));
        var classTargets = DetectionLoss.OneHot(
            chosen,
            valid.Index().Where(one => boxOf[one.Item] != AnchorMatcher.Background).Select(one => (one.Index, labels[boxOf[one.Item]])));
        var classification = DetectionLoss.FocalOfLogits(chosen, classTargets, options);

        var offsets = regression.index_select(0, Places(positives, regression.device));
        var standing = BoxTensor.From(Array.ConvertAll(positives, a => anchors[a]), regression.device);
        var target = BoxTensor.From(Array.ConvertAll(positives, a => boxes[boxOf[a]]), regression.device);
        var box = options.BoxLoss == BoxLoss.GIoU
            ? DetectionLoss.GIoU(BoxCoder.Decode(offsets, standing), target)
            : DetectionLoss.OfDistances(offsets, BoxCoder.Encode(target, standing), options);
        return new DetectionLossTerms(
            classification.DividedBy(divisor).MoveToOuterDisposeScope(),
            box.DividedBy(divisor).MoveToOuterDisposeScope(),
            positives.Length);
    }

    private static Tensor Places(int[] indices, Device device) =>
        tensor(Array.ConvertAll(indices, i => (long)i), dtype: ScalarType.Int64, device: device);
}
