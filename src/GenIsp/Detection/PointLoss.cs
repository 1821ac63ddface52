using GenIsp.Geometry;
using static TorchSharp.torch;

namespace GenIsp.Detection;

/// <summary>The loss of a detector without anchors, on the points that SimOTA assigns.</summary>
internal static class PointLoss
{
    /// <summary>The loss of one image, divided by its positives.</summary>
    /// <param name="predictions">What the detector says.</param>
    /// <param name="points">Where its points stand for boxes.</param>
    /// <param name="boxes">The true ones, in pixels of the network's input, with area.</param>
    /// <param name="classes">Of the boxes.</param>
    /// <param name="options">The loss.</param>
    public static DetectionLossTerms Compute(
        PointPredictions predictions, GridPoint[] points, Box[] boxes, int[] classes, DetectionLossOptions options)
    {
        using var scope = NewDisposeScope();
        var assigned = SimOta.Assign(
            points, BoxTensor.ToBoxes(predictions.Boxes), predictions.Scores.Numbers<float>(), boxes, classes);
        int[] positives = [.. Enumerable.Range(0, points.Length).Where(i => assigned[i] != SimOta.Background)];
        var divisor = Math.Max(1, positives.Length);

        var classification = FocalLoss<Probability>.Sum(
            predictions.Scores, Array.ConvertAll(assigned, box => box == SimOta.Background ? AnchorMatcher.Background : classes[box]), options);

        var device = predictions.Boxes.device;
        var places = tensor(Array.ConvertAll(positives, i => (long)i), dtype: ScalarType.Int64, device: device);
        var predicted = predictions.Boxes.index_select(0, places);
        var target = BoxTensor.From(Array.ConvertAll(positives, i => boxes[assigned[i]]), device);
        // The distances of a point to two boxes' edges differ as the edges do: the point itself falls out.
        var stride = predictions.Strides.index_select(0, places).unsqueeze(1);
        var box = options.BoxLoss == BoxLoss.GIoU
            ? DetectionLoss.GIoU(predicted, target)
            : DetectionLoss.OfDistances(predicted / stride, target / stride, options);
        return new DetectionLossTerms(
            classification.DividedBy(divisor).MoveToOuterDisposeScope(),
            box.DividedBy(divisor).MoveToOuterDisposeScope(),
            positives.Length);
    }
}
