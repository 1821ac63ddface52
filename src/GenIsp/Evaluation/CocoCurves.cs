namespace GenIsp.Evaluation;

/// <summary>One class in one area range.</summary>
/// <param name="Precision">By IoU threshold: the mean of the interpolated precision over the 101 recall thresholds.</param>
/// <param name="Recall1">By IoU threshold: the recall with one detection an image.</param>
/// <param name="Recall10">The same with ten.</param>
/// <param name="Recall100">The same with a hundred.</param>
/// <param name="PrecisionAt50">At IoU 0.50: the interpolated precision at each recall threshold.</param>
internal sealed record CocoCurves(double[] Precision, double[] Recall1, double[] Recall10, double[] Recall100, double[] PrecisionAt50)
{
    // NumPy's spacing(1), the distance from 1 to the next double: part of the protocol, to keep the divisor above 0.
    private const double Spacing = 2.220446049250313e-16;

    /// <summary>Walks down the detections of all images, best score first.</summary>
    /// <param name="outcomes">What became of each detection, best score first.</param>
    /// <param name="ranks">How many detections of the same image and class score better.</param>
    /// <param name="positives">Boxes to be found, above 0.</param>
    public static CocoCurves From(ReadOnlySpan<Outcome> outcomes, ReadOnlySpan<byte> ranks, int positives)
    {
        var thresholds = CocoProtocol.IouThresholds.Length;
        var recalls = CocoProtocol.RecallThresholds.Length;
        var curves = new CocoCurves(
            new double[thresholds], new double[thresholds], new double[thresholds], new double[thresholds], new double[recalls]);
        var interpolated = new double[recalls];
        // A crowd takes any number of detections, but those are ignored: no more than the positives can be right.
        var precision = new double[Math.Min(positives, outcomes.Length)];
        for (var threshold = 0; threshold < thresholds; threshold++)
        {
            var bit = 1 << threshold;
            int right = 0, wrong = 0, first = 0, firstTen = 0;
            for (var d = 0; d < outcomes.Length; d++)
            {
                if ((outcomes[d].Ignored & bit) != 0)
                    continue;
                if ((outcomes[d].Matched & bit) == 0)
                {
                    wrong++;
                    continue;
                }
                right++;
                precision[right - 1] = right / (wrong + right + Spacing);
                if (ranks[d] < 1)
                    first++;
                if (ranks[d] < 10)
                    firstTen++;
            }
            Interpolate(precision.AsSpan(0, right), positives, interpolated);
            if (threshold == 0)
                interpolated.CopyTo(curves.PrecisionAt50, 0);
            curves.Precision[threshold] = interpolated.Sum() / recalls;
            curves.Recall1[threshold] = (double)first / positives;
            curves.Recall10[threshold] = (double)firstTen / positives;
            curves.Recall100[threshold] = (double)right / positives;
        }
        return curves;
    }

    // precision[i] is reached at the recall (i + 1) / positives. At a recall counts the best precision there or further on.
    private static void Interpolate(Span<double> precision, int positives, Span<double> interpolated)
    {
        for (var i = precision.Length - 1; i > 0; i--)
            precision[i - 1] = Math.Max(precision[i - 1], precision[i]);
        interpolated.Clear();
        var at = 0;
        for (var i = 0; i < interpolated.Length; i++)
        {
            while (at < precision.Length && (double)(at + 1) / positives < CocoProtocol.RecallThresholds[i])
                at++;
            if (at == precision.Length)
                break;
            interpolated[i] = precision[at];
        }
    }
}
