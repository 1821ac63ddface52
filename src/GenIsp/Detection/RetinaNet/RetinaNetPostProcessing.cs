using GenIsp.Geometry;
using static TorchSharp.torch;

namespace GenIsp.Detection.RetinaNet;

/// <summary>From what the heads say to boxes.</summary>
internal static class RetinaNetPostProcessing
{
    /// <summary>A box that passed the score threshold, in pixels of the batch.</summary>
    public readonly record struct Candidate(Box Box, int Label, float Score);

    /// <summary>
    /// The detections of one image, best first: candidates above the threshold, the best of each level, clipped to the image,
    /// suppressed class by class over all levels, the best of them.
    /// </summary>
    /// <param name="output">What the heads said of the batch.</param>
    /// <param name="index">Which image of the batch.</param>
    /// <param name="size">Its size in the batch, without padding.</param>
    /// <param name="scoreThreshold">Only what scores more counts.</param>
    /// <param name="options">The limits.</param>
    public static IReadOnlyList<Candidate> Detect(
        RetinaNetOutput output, int index, (int Height, int Width) size, float scoreThreshold, RetinaNetOptions options)
    {
        using var scope = NewDisposeScope();
        var candidates = new List<Candidate>();
        var start = 0;
        foreach (var count in output.AnchorsPerLevel)
        {
            candidates.AddRange(BestOfLevel(
                output.ClassLogits[index].narrow(0, start, count),
                output.BoxRegression[index].narrow(0, start, count),
                output.Anchors.Span.Slice(start, count),
                scoreThreshold,
                options.CandidatesPerLevel).Select(candidate => candidate with { Box = candidate.Box.ClipTo(size.Width, size.Height) }));
            start += count;
        }
        var kept = Nms.Suppress(
            [.. candidates.Select(candidate => candidate.Box)],
            [.. candidates.Select(candidate => candidate.Score)],
            [.. candidates.Select(candidate => candidate.Label)],
            options.IouThreshold);
        return [.. kept.Take(options.DetectionsPerImage).Select(i => candidates[i])];
    }

    /// <summary>A box in the frame of an image that was resized for the batch.</summary>
    public static Box ToOriginal(Box box, (int Height, int Width) size, (int Height, int Width) originalSize)
    {
        var x = (float)originalSize.Width / size.Width;
        var y = (float)originalSize.Height / size.Height;
        // Rounding may lead just beyond the edge.
        return new Box(box.X1 * x, box.Y1 * y, box.X2 * x, box.Y2 * y).ClipTo(originalSize.Width, originalSize.Height);
    }

    /// <param name="logits">[A, C].</param>
    /// <param name="offsets">[A, 4].</param>
    /// <param name="anchors">A of them.</param>
    /// <param name="scoreThreshold">Only what scores more counts.</param>
    /// <param name="limit">At most so many.</param>
    private static Candidate[] BestOfLevel(Tensor logits, Tensor offsets, ReadOnlySpan<Box> anchors, float scoreThreshold, int limit)
    {
        using var scope = NewDisposeScope();
        var classes = logits.shape[1];
        var scores = logits.flatten().sigmoid();
        var passed = scores.IsAbove(scoreThreshold).nonzero().squeeze(1);
        if (passed.shape[0] == 0)
            return [];
        var (best, order) = scores.index_select(0, passed).topk((int)Math.Min(passed.shape[0], limit));
        var positions = passed.index_select(0, order).Numbers<long>();

        var places = Array.ConvertAll(positions, position => (int)(position / classes));
        var chosen = offsets.index_select(0, tensor(places, dtype: ScalarType.Int64, device: offsets.device)).cpu();
        var boxes = BoxTensor.ToBoxes(BoxCoder.Decode(chosen, BoxTensor.At(anchors, places)));
        var bestScores = best.Numbers<float>();
        var candidates = new Candidate[positions.Length];
        for (var i = 0; i < candidates.Length; i++)
            candidates[i] = new Candidate(boxes[i], (int)(positions[i] % classes), bestScores[i]);
        return candidates;
    }
}
