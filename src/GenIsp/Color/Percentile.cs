namespace GenIsp.Color;

/// <summary>Order statistics of an image without sorting it.</summary>
internal static class Percentile
{
    /// <summary>
    /// The smallest value that at least <paramref name="percent"/> % of the values do not exceed (NumPy's <c>inverted_cdf</c>). Exact,
    /// in two passes: counts by the upper 16 bits of an integer that sorts as the floats do, then by the lower 16 within one bin.
    /// </summary>
    public static float Of(ReadOnlySpan<float> values, double percent)
    {
        var rank = Math.Max(0, (long)Math.Ceiling(percent / 100 * values.Length) - 1);
        var counts = new int[1 << 16];
        foreach (var value in values)
            counts[Key(value) >> 16]++;
        var upper = Find(counts, ref rank);
        Array.Clear(counts);
        foreach (var value in values)
        {
            var key = Key(value);
            if (key >> 16 == upper)
                counts[key & 0xffff]++;
        }
        return FromKey((upper << 16) | Find(counts, ref rank));
    }

    // The bin that holds the rank-th value; rank becomes the place within it.
    private static uint Find(int[] counts, ref long rank)
    {
        for (var bin = 0; ; bin++)
        {
            if (rank < counts[bin])
                return (uint)bin;
            rank -= counts[bin];
        }
    }

    // Negative floats sort backwards by their bits, and below the others.
    private static uint Key(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return (bits & 0x80000000) != 0 ? ~bits : bits | 0x80000000;
    }

    private static float FromKey(uint key) =>
        BitConverter.UInt32BitsToSingle((key & 0x80000000) != 0 ? key & 0x7fffffff : ~key);
}
