using static TorchSharp.torch;

namespace GenIsp.Detection;

/// <summary>
/// Boxes as offsets from anchors: dx = (x − x_a) / w_a, dy likewise, of the centres, and dw = ln(w / w_a), dh likewise (Faster R-CNN,
/// arXiv 1506.01497, section 3.1.2), each with weight 1.
/// </summary>
internal static class BoxCoder
{
    // torchvision's bound: no box grows more than 1000/16-fold, so that exp cannot overflow.
    private static readonly double LargestLogScale = Math.Log(1000.0 / 16);

    /// <summary>The offsets that lead from each anchor to its box.</summary>
    /// <param name="boxes">[A, 4], float32, x1, y1, x2, y2, of positive width and height.</param>
    /// <param name="anchors">[A, 4], likewise, in the same frame.</param>
    /// <returns>[A, 4], float32, dx, dy, dw, dh.</returns>
    public static Tensor Encode(Tensor boxes, Tensor anchors)
    {
        using var scope = NewDisposeScope();
        var (x, y, width, height) = CentreAndSize(boxes);
        var (anchorX, anchorY, anchorWidth, anchorHeight) = CentreAndSize(anchors);
        return stack(
            [(x - anchorX) / anchorWidth, (y - anchorY) / anchorHeight, (width / anchorWidth).log(), (height / anchorHeight).log()],
            dim: 1).MoveToOuterDisposeScope();
    }

    /// <summary>The boxes that lie at the given offsets from the anchors; dw and dh are first bounded by ln(1000 / 16).</summary>
    /// <param name="offsets">[A, 4], float32, dx, dy, dw, dh.</param>
    /// <param name="anchors">[A, 4], float32, x1, y1, x2, y2.</param>
    /// <returns>[A, 4], float32, x1, y1, x2, y2, in the anchors' frame, not clipped.</returns>
    public static Tensor Decode(Tensor offsets, Tensor anchors)
    {
        using var scope = NewDisposeScope();
        var (anchorX, anchorY, anchorWidth, anchorHeight) = CentreAndSize(anchors);
        var offset = offsets.unbind(1);
        var x = (offset[0] * anchorWidth).Plus(anchorX);
        var y = (offset[1] * anchorHeight).Plus(anchorY);
        var halfWidth = (offset[2].AtMost(LargestLogScale).exp() * anchorWidth).Times(0.5);
        var halfHeight = (offset[3].AtMost(LargestLogScale).exp() * anchorHeight).Times(0.5);
        return stack([x - halfWidth, y - halfHeight, x.Plus(halfWidth), y.Plus(halfHeight)], dim: 1).MoveToOuterDisposeScope();
    }

    private static (Tensor X, Tensor Y, Tensor Width, Tensor Height) CentreAndSize(Tensor boxes)
    {
        var edge = boxes.unbind(1);
        var width = edge[2] - edge[0];
        var height = edge[3] - edge[1];
        return (edge[0].Plus(width.Times(0.5)), edge[1].Plus(height.Times(0.5)), width, height);
    }
}
