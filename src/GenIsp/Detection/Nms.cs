using GenIsp.Geometry;

namespace GenIsp.Detection;

/// <summary>Non-maximum suppression.</summary>
internal static class Nms
{
    /// <summary>
    /// Keeps, greedily from the best, every box that overlaps no kept box of its own category by more than a threshold, as torchvision's
    /// <c>batched_nms</c> does.
    /// </summary>
    /// <param name="boxes">In pixels of one frame.</param>
    /// <param name="scores">One a box.</param>
    /// <param name="categories">One a box; boxes of different categories never suppress each other.</param>
    /// <param name="iouThreshold">A box is suppressed when its IoU is greater; 0..1.</param>
    /// <returns>Indices of the kept boxes, best first; of equal scores the earlier box comes first.</returns>
    public static int[] Suppress(
        ReadOnlySpan<Box> boxes, ReadOnlySpan<float> scores, ReadOnlySpan<int> categories, float iouThreshold)
    {
        var byScore = new (float Score, int Index)[boxes.Length];
        for (var i = 0; i < byScore.Length; i++)
            byScore[i] = (scores[i], i);
        Array.Sort(byScore, (a, b) => a.Score != b.Score ? b.Score.CompareTo(a.Score) : a.Index.CompareTo(b.Index));

        var kept = new List<int>();
        var keptOfCategory = new Dictionary<int, List<Box>>();
        foreach (var (_, index) in byScore)
        {
            if (!keptOfCategory.TryGetValue(categories[index], out var better))
                keptOfCategory[categories[index]] = better = [];
            var box = boxes[index];
            if (Overlaps(box, better, iouThreshold))
                continue;
            better.Add(box);
            kept.Add(index);
        }
        return [.. kept];
    }

    private static bool Overlaps(Box box, List<Box> others, float iouThreshold)
    {
        foreach (var other in others)
        {
            if (other.IoU(box) > iouThreshold)
                return true;
        }
        return false;
    }
}
