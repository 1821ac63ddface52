using GenIsp.Geometry;

namespace GenIsp.Detection;

/// <summary>Which anchor stands for which box: torchvision's <c>Matcher</c> as its RetinaNet uses it.</summary>
internal static class AnchorMatcher
{
    /// <summary>The anchor stands for background.</summary>
    public const int Background = -1;

    /// <summary>The anchor overlaps a box too much for background and too little for the box: it stands for nothing.</summary>
    public const int Between = -2;

    private const float PositiveIou = 0.5f;
    private const float BackgroundIou = 0.4f;

    /// <summary>
    /// An anchor stands for the box that it overlaps most (the first of equals) if their IoU is at least .5, or if no other anchor overlaps
    /// some box more (all of equals): then again for the box that it itself overlaps most. Below .4 it stands for background. A box that
    /// no anchor overlaps has none (torchvision would give it all anchors).
    /// </summary>
    /// <param name="boxes">In the anchors' frame.</param>
    /// <param name="anchors">With area.</param>
    /// <returns>For each anchor the index of a box, <see cref="Background"/> or <see cref="Between"/>.</returns>
    public static int[] Match(ReadOnlySpan<Box> boxes, ReadOnlySpan<Box> anchors)
    {
        var boxOf = new int[anchors.Length];
        var iouOf = new float[anchors.Length];
        var bestAnchors = new HashSet<int>();
        var best = new List<int>();
        for (var b = 0; b < boxes.Length; b++)
        {
            var bestIou = 0f;
            best.Clear();
            for (var a = 0; a < anchors.Length; a++)
            {
                var iou = boxes[b].IoU(anchors[a]);
                if (iou > iouOf[a])
                    (boxOf[a], iouOf[a]) = (b, iou);
                if (iou > bestIou)
                {
                    bestIou = iou;
                    best.Clear();
                }
                if (iou == bestIou && iou > 0)
                    best.Add(a);
            }
            bestAnchors.UnionWith(best);
        }
        for (var a = 0; a < anchors.Length; a++)
        {
            if (iouOf[a] < PositiveIou && !bestAnchors.Contains(a))
                boxOf[a] = iouOf[a] < BackgroundIou ? Background : Between;
        }
        return boxOf;
    }
}
