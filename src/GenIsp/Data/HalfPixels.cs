namespace GenIsp.Data;

/// <summary>
/// Pixels in half precision, 11 significant bits, times a power of two that brings the largest into 2^14..2^15: so what is dark does not
/// come near the format's smallest numbers. Each value is off by at most 2^-11 of itself, or 2^-39 of the largest.
/// </summary>
internal static class HalfPixels
{
    private const int TopExponent = 14;

    // The scale and its inverse are float32, too.
    private const int MostExponent = 126;

    /// <summary>Rounds to the nearest.</summary>
    /// <param name="pixels">Any finite values.</param>
    /// <param name="halves">As many: the values times 2^exponent.</param>
    /// <returns>The exponent.</returns>
    public static int Round(ReadOnlySpan<float> pixels, Span<Half> halves)
    {
        var largest = 0f;
        foreach (var value in pixels)
            largest = MathF.Max(largest, MathF.Abs(value));
        var exponent = largest == 0 ? 0 : Math.Clamp(TopExponent - MathF.ILogB(largest), -MostExponent, MostExponent);
        var scale = MathF.ScaleB(1, exponent);
        for (var i = 0; i < pixels.Length; i++)
            halves[i] = (Half)(pixels[i] * scale);
        return exponent;
    }

    /// <summary>The values that <see cref="Round"/> left, exactly.</summary>
    public static float[] ToSingles(ReadOnlySpan<Half> halves, int exponent)
    {
        var pixels = GC.AllocateUninitializedArray<float>(halves.Length);
        var scale = MathF.ScaleB(1, -exponent);
        for (var i = 0; i < pixels.Length; i++)
            pixels[i] = (float)halves[i] * scale;
        return pixels;
    }
}
