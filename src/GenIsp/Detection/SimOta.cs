using System.Numerics;
using System.Runtime.InteropServices;
using GenIsp.Geometry;

namespace GenIsp.Detection;

/// <summary>
/// SimOTA (YOLOX, arXiv 2107.08430, section 2.1): which points of a detector without anchors stand for which box, by how well it predicts
/// the box there. Numbers as in YOLOX 0.1.1, with which its published weights were trained: a centre zone of 2.5 strides.
/// </summary>
internal static class SimOta
{
    /// <summary>The point stands for background.</summary>
    public const int Background = -1;

    private const float CentreRadius = 2.5f; // strides
    private const float IouWeight = 3;
    private const float OutsideCost = 1e5f;
    private const float IouEpsilon = 1e-8f;
    private const int MostPoints = 10; // for one box
    private const float LargestEntropy = 100; // what PyTorch's binary cross entropy takes for -ln 0

    /// <summary>
    /// A box's candidates are the points inside it or within 2.5 of their strides of its centre, on both axes. It claims the k that cost
    /// it least, k being the sum of its ten best IoUs there, rounded down, but at least 1. The cost is the binary cross entropy of the
    /// classes' √score, plus 3 · −ln IoU, plus 1e5 outside of the box or of the zone. A point that several boxes claim goes to the box
    /// that it costs least, of all whose candidate it is. The first of equals counts. A box without candidates, outside of the image,
    /// has no point.
    /// </summary>
    /// <param name="points">Of all strides.</param>
    /// <param name="predicted">The box that the detector says at each point.</param>
    /// <param name="scores">Its probability of each class at each point, point by point, 0..1.</param>
    /// <param name="boxes">The true ones, in the points' frame.</param>
    /// <param name="classes">Of the boxes.</param>
    /// <returns>For each point the index of a box, or <see cref="Background"/>.</returns>
    public static int[] Assign(
        ReadOnlySpan<GridPoint> points,
        ReadOnlySpan<Box> predicted,
        ReadOnlySpan<float> scores,
        ReadOnlySpan<Box> boxes,
        ReadOnlySpan<int> classes)
    {
        var classCount = points.Length == 0 ? 0 : scores.Length / points.Length;
        var backgroundEntropies = new float?[points.Length];
        var (claims, claimant) = (new int[points.Length], new int[points.Length]);
        var (cheapest, leastCost) = (new int[points.Length], new float[points.Length]);
        Array.Fill(leastCost, float.PositiveInfinity);
        Span<float> bestIous = stackalloc float[MostPoints]; // negative, so that both lists ascend
        Span<int> unused = stackalloc int[MostPoints];
        Span<float> bestCosts = stackalloc float[MostPoints];
        Span<int> bestPoints = stackalloc int[MostPoints];
        for (var b = 0; b < boxes.Length; b++)
        {
            bestIous.Clear();
            bestCosts.Fill(float.PositiveInfinity);
            for (var i = 0; i < points.Length; i++)
            {
                var (isInside, isCentral) = (IsInside(points[i], boxes[b]), IsCentral(points[i], boxes[b]));
                if (!isInside && !isCentral)
                    continue;
                var scoresOfPoint = scores.Slice(i * classCount, classCount);
                var iou = boxes[b].IoU(predicted[i]);
                var cost = ClassCost(backgroundEntropies[i] ??= BackgroundEntropy(scoresOfPoint), scoresOfPoint[classes[b]])
                    - IouWeight * MathF.Log(iou + IouEpsilon)
                    + (isInside && isCentral ? 0 : OutsideCost);
                Insert(bestIous, unused, -iou, i);
                Insert(bestCosts, bestPoints, cost, i);
                if (cost < leastCost[i])
                    (cheapest[i], leastCost[i]) = (b, cost);
            }
            var sum = 0f;
            foreach (var iou in bestIous)
                sum -= iou;
            for (var k = 0; k < Math.Max(1, (int)sum) && bestCosts[k] < float.PositiveInfinity; k++)
            {
                claims[bestPoints[k]]++;
                claimant[bestPoints[k]] = b;
            }
        }
        var assigned = new int[points.Length];
        for (var i = 0; i < points.Length; i++)
            assigned[i] = claims[i] switch { 0 => Background, 1 => claimant[i], _ => cheapest[i] };
        return assigned;
    }

    private static bool IsInside(GridPoint point, Box box) =>
        point.X > box.X1 && point.X < box.X2 && point.Y > box.Y1 && point.Y < box.Y2;

    private static bool IsCentral(GridPoint point, Box box)
    {
        var radius = CentreRadius * point.Stride;
        return Math.Abs(point.X - (box.X1 + box.X2) / 2) < radius && Math.Abs(point.Y - (box.Y1 + box.Y2) / 2) < radius;
    }

    // Of a box's class: every other class is background.
    private static float ClassCost(float backgroundEntropy, float score)
    {
        var probability = MathF.Sqrt(score);
        return backgroundEntropy - Entropy(1 - probability) + Entropy(probability);
    }

    private static float BackgroundEntropy(ReadOnlySpan<float> scores)
    {
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(scores);
        var sums = Vector<float>.Zero;
        foreach (var vector in vectors)
            sums += EntropyOfOther(vector);
        var sum = Vector.Sum(sums);
        foreach (var score in scores[(vectors.Length * Vector<float>.Count)..])
            sum += EntropyOfOther(new Vector<float>(score))[0];
        return sum;
    }

    // Of 1 less the probability, which is above 1e-8 unless it is 0.
    private static Vector<float> EntropyOfOther(Vector<float> score)
    {
        var other = Vector<float>.One - Vector.SquareRoot(score);
        var entropy = -VectorMath.Log(Vector.MaxNative(new Vector<float>(1e-8f), other)); // in this order, for NaN to come through
        return Vector.ConditionalSelect(Vector.LessThanOrEqual(other, Vector<float>.Zero), new Vector<float>(LargestEntropy), entropy);
    }

    private static float Entropy(float probability) => Math.Min(LargestEntropy, -MathF.Log(probability));

    // Keeps the smallest values in ascending order, the first of equals first. NaN never gets in.
    private static void Insert(Span<float> smallest, Span<int> points, float value, int point)
    {
        if (!(value < smallest[^1]))
            return;
        var place = smallest.Length - 1;
        for (; place > 0 && value < smallest[place - 1]; place--)
            (smallest[place], points[place]) = (smallest[place - 1], points[place - 1]);
        (smallest[place], points[place]) = (value, point);
    }
}
