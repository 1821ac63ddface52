namespace GenIsp.Evaluation;

/// <summary>The numbers of COCO's protocol for boxes.</summary>
internal static class CocoProtocol
{
    /// <summary>Detections of a class in an image that count, in order of their scores.</summary>
    public const int MaxDetections = 100;

    /// <summary>All, small, medium, large: areas in square pixels, both ends included.</summary>
    public static readonly (double From, double To)[] AreaRanges = [(0, 1e10), (0, 32 * 32), (32 * 32, 96 * 96), (96 * 96, 1e10)];

    /// <summary>0.50, 0.55 … 0.95, to the bit as NumPy's linspace has them.</summary>
    public static readonly double[] IouThresholds = Linspace(0.5, 0.95, 10);

    /// <summary>0.00, 0.01 … 1.00, to the bit as NumPy's linspace has them.</summary>
    public static readonly double[] RecallThresholds = Linspace(0, 1, 101);

    private static double[] Linspace(double from, double to, int count)
    {
        var step = (to - from) / (count - 1);
        return [.. Enumerable.Range(0, count).Select(i => i == count - 1 ? to : i * step + from)];
    }
}
