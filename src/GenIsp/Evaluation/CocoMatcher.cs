using GenIsp.Data;

namespace GenIsp.Evaluation;

/// <summary>An annotated box, as matching needs it.</summary>
/// <param name="Box">In the annotation frame.</param>
/// <param name="Area">In the frame in which areas are counted.</param>
/// <param name="IsCrowd">Any number of detections may match it.</param>
/// <param name="IsIgnored">What matches it counts neither way.</param>
/// <param name="Counts">False for the id 0; see <see cref="CocoEvaluator"/>.</param>
internal readonly record struct Truth(CocoBox Box, double Area, bool IsCrowd, bool IsIgnored, bool Counts);

/// <summary>What became of a detection in one area range, a bit an IoU threshold.</summary>
/// <param name="Matched">It found a box.</param>
/// <param name="Ignored">It counts neither way.</param>
internal readonly record struct Outcome(ushort Matched, ushort Ignored)
{
    public const ushort AllThresholds = (1 << 10) - 1;
}

/// <summary>Pairs the detections of one class in one image with its boxes. Holds scratch memory: one a thread.</summary>
internal sealed class CocoMatcher
{
    private double[] _iou = [];
    private bool[] _ignored = [];
    private bool[] _taken = [];
    private int[] _order = [];

    /// <summary>Greedy matching, best score first, in each area range and at each IoU threshold.</summary>
    /// <param name="boxes">The detections' boxes, best score first, at most <see cref="CocoProtocol.MaxDetections"/>.</param>
    /// <param name="areas">The detections' areas, in the frame in which areas are counted.</param>
    /// <param name="truths">The annotated boxes, in the file's order.</param>
    /// <param name="outcomes">[area range · detections]: filled.</param>
    public void Match(ReadOnlySpan<CocoBox> boxes, ReadOnlySpan<double> areas, ReadOnlySpan<Truth> truths, Span<Outcome> outcomes)
    {
        Reserve(boxes.Length, truths.Length);
        var overlapping = ComputeIous(boxes, truths);
        for (var range = 0; range < CocoProtocol.AreaRanges.Length; range++)
        {
            var (from, to) = CocoProtocol.AreaRanges[range];
            var results = outcomes.Slice(range * boxes.Length, boxes.Length);
            results.Clear();
            if (overlapping)
            {
                OrderTruths(truths, from, to);
                for (var threshold = 0; threshold < CocoProtocol.IouThresholds.Length; threshold++)
                    MatchAt(threshold, truths, results);
            }
            for (var d = 0; d < results.Length; d++)
            {
                // What found nothing is no error where it is itself of another size.
                if (areas[d] < from || areas[d] > to)
                {
                    var unmatched = ~results[d].Matched & Outcome.AllThresholds;
                    results[d] = results[d] with { Ignored = (ushort)(results[d].Ignored | unmatched) };
                }
            }
        }
    }

    // Boxes that count come first, each kind in the file's order.
    private void OrderTruths(ReadOnlySpan<Truth> truths, double from, double to)
    {
        var next = 0;
        for (var g = 0; g < truths.Length; g++)
        {
            _ignored[g] = truths[g].IsIgnored || truths[g].Area < from || truths[g].Area > to;
            if (!_ignored[g])
                _order[next++] = g;
        }
        for (var g = 0; g < truths.Length; g++)
        {
            if (_ignored[g])
                _order[next++] = g;
        }
    }

    private void MatchAt(int threshold, ReadOnlySpan<Truth> truths, Span<Outcome> results)
    {
        var bit = 1 << threshold;
        _taken.AsSpan(0, truths.Length).Clear();
        for (var d = 0; d < results.Length; d++)
        {
            var best = CocoProtocol.IouThresholds[threshold];
            var match = -1;
            var ious = _iou.AsSpan(d * truths.Length, truths.Length);
            foreach (var g in _order.AsSpan(0, truths.Length))
            {
                if (_taken[g] && !truths[g].IsCrowd)
                    continue;
                // A box that counts is never given up for one that is ignored.
                if (match >= 0 && !_ignored[match] && _ignored[g])
                    break;
                // Of equal overlaps the last wins.
                if (ious[g] < best)
                    continue;
                best = ious[g];
                match = g;
            }
            if (match < 0)
                continue;
            _taken[match] = true;
            var (matched, ignored) = results[d];
            results[d] = new Outcome(
                (ushort)(matched | (truths[match].Counts ? bit : 0)), (ushort)(ignored | (_ignored[match] ? bit : 0)));
        }
    }

    // Intersection over union; over the detection's own area for a crowd. Touching boxes do not overlap.
    private bool ComputeIous(ReadOnlySpan<CocoBox> boxes, ReadOnlySpan<Truth> truths)
    {
        var any = false;
        for (var d = 0; d < boxes.Length; d++)
        {
            var box = boxes[d];
            for (var g = 0; g < truths.Length; g++)
            {
                var truth = truths[g].Box;
                var width = Math.Min(box.Width + box.X, truth.Width + truth.X) - Math.Max(box.X, truth.X);
                var height = Math.Min(box.Height + box.Y, truth.Height + truth.Y) - Math.Max(box.Y, truth.Y);
                var iou = 0.0;
                if (width > 0 && height > 0)
                {
                    var intersection = width * height;
                    var area = box.Width * box.Height;
                    iou = intersection / (truths[g].IsCrowd ? area : area + truth.Width * truth.Height - intersection);
                }
                _iou[d * truths.Length + g] = iou;
                any |= iou >= CocoProtocol.IouThresholds[0];
            }
        }
        return any;
    }

    private void Reserve(int detections, int truths)
    {
        if (_iou.Length < detections * truths)
            _iou = new double[detections * truths];
        if (_order.Length < truths)
            (_ignored, _taken, _order) = (new bool[truths], new bool[truths], new int[truths]);
    }
}
