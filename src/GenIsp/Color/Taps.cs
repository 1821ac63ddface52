namespace GenIsp.Color;

/// <summary>
/// Along one axis, what each output sample reads: <see cref="Count"/> samples from <see cref="First"/> on, by their weights.
/// </summary>
/// <param name="First">Of each output sample, in 0..length − 1.</param>
/// <param name="Weights">[outputs, count], in rows that sum to 1; 0 where a sample would lie beyond the end.</param>
/// <param name="Count">How many, the same for all outputs, and even.</param>
internal sealed record Taps(int[] First, float[] Weights, int Count)
{
    /// <summary>
    /// PyTorch's bilinear interpolation with <c>align_corners</c> false, in its own float32:
    /// source = max(0, scale · (i + 0.5) − 0.5), first = ⌊source⌋.
    /// </summary>
    public static Taps Bilinear(int from, int to)
    {
        var taps = new Taps(new int[to], new float[2 * to], 2);
        var scale = (float)from / to;
        for (var i = 0; i < to; i++)
        {
            var source = Math.Max(0, scale * (i + 0.5f) - 0.5f);
            var first = Math.Min((int)source, from - 1);
            var second = first == from - 1 ? 0 : source - first;
            (taps.First[i], taps.Weights[2 * i], taps.Weights[2 * i + 1]) = (first, 1 - second, second);
        }
        return taps;
    }

    /// <summary>
    /// PyTorch's with <c>antialias</c>, which is Pillow's: where the picture shrinks, a triangle as wide as two output samples weighs all
    /// that it covers. Where it grows, this is <see cref="Bilinear"/>.
    /// </summary>
    public static Taps Antialiased(int from, int to)
    {
        if (from <= to)
            return Bilinear(from, to);
        var scale = (double)from / to;
        var count = (int)Math.Ceiling(2 * scale) + 1;
        count += count % 2;
        var taps = new Taps(new int[to], new float[count * to], count);
        for (var i = 0; i < to; i++)
        {
            var centre = scale * (i + 0.5);
            var first = Math.Max(0, (int)(centre - scale + 0.5));
            var last = Math.Min(from, (int)(centre + scale + 0.5));
            double[] weights = [.. Enumerable.Range(first, last - first).Select(k => Math.Max(0, 1 - Math.Abs(k + 0.5 - centre) / scale))];
            taps.First[i] = first;
            for (var k = 0; k < weights.Length; k++)
                taps.Weights[i * count + k] = (float)(weights[k] / weights.Sum());
        }
        return taps;
    }

    public ReadOnlySpan<float> WeightsOf(int i) => Weights.AsSpan(i * Count, Count);
}
