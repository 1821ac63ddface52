namespace GenIsp.Raw;

/// <summary>How far the light in a mosaic stands above its noise.</summary>
public static class SignalToNoise
{
    // In pixels of one colour; a block must be flat enough to have one level, and hold enough pixels for a median.
    private const int BlockSide = 16;

    // More do not change the median, and take time.
    private const int MostBlocks = 4096;

    // A normal variable's median distance from 0, in deviations.
    private const double MedianDistance = 0.6745;

    // The length of the mask's nine weights: what it makes of a deviation of 1.
    private const double MaskLength = 6;

    /// <summary>
    /// The signal-to-noise ratio of a mosaic: the median over small blocks of 20 · log10(level / noise). The noise is measured in each block
    /// by Immerkær's mask, which edges and slopes do not reach (Computer Vision and Image Understanding 64(2), 1996), with a median instead
    /// of the mean against texture.
    /// </summary>
    /// <param name="sensor">Any Bayer mosaic. Looked at is the green that shares its row with red.</param>
    /// <returns>
    /// Decibels, from 0 (as much noise as light, or more) to 100 (no noise at all, or a mosaic of less than 32×32 pixels, which can't be judged).
    /// </returns>
    public static double Measure(SensorImage sensor)
    {
        var (columns, rows) = (sensor.Width / 2 / BlockSide, sensor.Height / 2 / BlockSide);
        var count = columns * rows;
        if (count == 0)
            return 100;
        var every = (count + MostBlocks - 1) / MostBlocks;
        var ratios = new double[(count + every - 1) / every];
        Parallel.For(0, ratios.Length, i =>
        {
            var (row, column) = Math.DivRem(i * every, columns);
            ratios[i] = OfBlock(sensor, 2 * BlockSide * column, 2 * BlockSide * row);
        });
        return Math.Clamp(20 * Math.Log10(Math.Max(1e-9, Median(ratios))), 0, 100);
    }

    private static double OfBlock(SensorImage sensor, int left, int top)
    {
        var (offsetX, offsetY) = (1 - sensor.Cfa.RedX, sensor.Cfa.RedY);
        Span<double> block = stackalloc double[BlockSide * BlockSide];
        var mosaic = sensor.Mosaic.Span;
        var level = 0.0;
        for (var i = 0; i < block.Length; i++)
        {
            var (y, x) = Math.DivRem(i, BlockSide);
            block[i] = mosaic[(top + offsetY + 2 * y) * sensor.Width + left + offsetX + 2 * x] - sensor.Levels.BlackG1;
            level += block[i] / block.Length;
        }
        Span<double> distances = stackalloc double[(BlockSide - 2) * (BlockSide - 2)];
        for (var i = 0; i < distances.Length; i++)
        {
            var (y, x) = Math.DivRem(i, BlockSide - 2);
            var from = block[(y * BlockSide + x)..];
            // 1 −2 1 along both sides.
            distances[i] = Math.Abs(
                from[0] - 2 * from[1] + from[2] - 2 * (from[BlockSide] - 2 * from[BlockSide + 1] + from[BlockSide + 2])
                + from[2 * BlockSide] - 2 * from[2 * BlockSide + 1] + from[2 * BlockSide + 2]);
        }
        // Whole numbers have this deviation by rounding alone.
        var noise = Math.Max(Math.Sqrt(1.0 / 12), Median(distances) / MedianDistance / MaskLength);
        return level / noise;
    }

    private static double Median(Span<double> values)
    {
        values.Sort();
        return values[values.Length / 2];
    }
}
