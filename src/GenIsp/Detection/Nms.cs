using GenIsp.Geometry;

namespace GenIsp.Detection;

/// <summary>Greedy non-maximum suppression.</summary>
internal static class Nms
{
    /// <summary>
    /// Keeps, class by class, each box that overlaps no kept box of a higher score by more than the threshold, as torchvision's
    /// <c>batched_nms</c> does. Equal scores keep their order.
    /// </summary>
    /// <param name="boxes">All in one frame.</param>
    /// <param name="scores">One a box; not NaN.</param>
    /// <param name="categories">One a box: boxes of different categories leave each other alone.</param>
    /// <param name="iouThreshold">An intersection over union above it suppresses; 0..1.</param>
    /// <returns>The indices of the boxes kept, best first.</returns>
    public static int[] Suppress(
        ReadOnlySpan<Box> boxes, ReadOnlySpan<float> scores, ReadOnlySpan<int> categories, float iouThreshold)
    {
        var keys = scores.ToArray();
        var order = Enumerable.Range(0, boxes.Length).OrderByDescending(i => keys[i]).ToArray(); // stable
        var keptByCategory = new Dictionary<int, List<int>>();
        var kept = new List<int>();
        foreach (var i in order)
        {
            if (!keptByCategory.TryGetValue(categories[i], out var rivals))
                keptByCategory[categories[i]] = rivals = [];
            if (OverlapsAny(boxes, boxes[i], rivals, iouThreshold))
                continue;
            rivals.Add(i);
            kept.Add(i);
        }
        return [.. kept];
    }

    private static bool OverlapsAny(ReadOnlySpan<Box> boxes, Box box, List<int> rivals, float iouThreshold)
    {
        foreach (var rival in rivals)
        {
            if (boxes[rival].IoU(box) > iouThreshold)
                return true;
        }
        return false;
    }
}
