using GenIsp.Data;

namespace GenIsp.Evaluation;

/// <summary>An image as two ISPs show it to a detector.</summary>
/// <param name="SignalToNoise">Of its mosaic, in decibels.</param>
/// <param name="Noisy">What was found in the picture of the ISP for noisy photos.</param>
/// <param name="Bright">What was found in the other's.</param>
public sealed record ImageSeenTwice(double SignalToNoise, IReadOnlyList<CocoDetection> Noisy, IReadOnlyList<CocoDetection> Bright);

/// <summary>Below which signal-to-noise ratio one ISP serves better than another.</summary>
public static class AutoThreshold
{
    // More thresholds than this differ by few images each, which is chance.
    private const int Candidates = 24;

    /// <summary>
    /// The threshold with the highest AP of all detections together, when each image takes the one ISP below and the other from it on. AP
    /// is smoothed over three neighbours, for single images move it.
    /// </summary>
    /// <param name="dataset">What was to be found.</param>
    /// <param name="images">At least one.</param>
    /// <returns>The threshold in decibels, and the AP with it; 0 or above 100 where one of the ISPs is always the better.</returns>
    /// <exception cref="GenIspException">Detections are of unknown images.</exception>
    public static (double Decibels, double AP) Find(CocoDataset dataset, IReadOnlyList<ImageSeenTwice> images)
    {
        double[] sorted = [.. images.Select(image => image.SignalToNoise).Order()];
        double[] thresholds =
        [
            0,
            .. Enumerable.Range(1, Candidates - 1).Select(i => sorted[i * sorted.Length / Candidates]).Distinct().Where(value => value > 0),
            sorted[^1] + 1,
        ];
        double[] figures = [.. thresholds.Select(threshold => Measure(dataset, images, threshold))];
        double Smoothed(int i) => figures[Math.Max(0, i - 1)..Math.Min(figures.Length, i + 2)].Average();
        var best = Enumerable.Range(0, thresholds.Length).MaxBy(Smoothed);
        return (thresholds[best], figures[best]);
    }

    private static double Measure(CocoDataset dataset, IEnumerable<ImageSeenTwice> images, double threshold) => CocoEvaluator.Evaluate(
        dataset, [.. images.SelectMany(image => image.SignalToNoise < threshold ? image.Noisy : image.Bright)]).AP;
}
