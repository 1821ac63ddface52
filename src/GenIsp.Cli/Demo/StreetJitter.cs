using GenIsp.Data;

namespace GenIsp.Cli.Demo;

/// <summary>
/// Other tones and colours for a picture of sRGB values, as detectors of photos learn with (Howard, arXiv 1312.5402; Liu et al., SSD, arXiv
/// 1512.02325): what is seen does not depend on how it was developed. No noise.
/// </summary>
/// <param name="Gamma">The power that values are raised to, which changes the tones between black and white.</param>
/// <param name="Gain">What they are then multiplied by.</param>
/// <param name="Contrast">What their distance from the picture's mean is then multiplied by.</param>
/// <param name="Saturation">What their distance from the pixel's gray is then multiplied by.</param>
/// <param name="Red">What red is multiplied by at last.</param>
/// <param name="Blue">What blue is multiplied by at last.</param>
internal readonly record struct StreetJitter(float Gamma, float Gain, float Contrast, float Saturation, float Red, float Blue)
{
    /// <summary>Changes nothing.</summary>
    public static StreetJitter None { get; } = new(1, 1, 1, 1, 1, 1);

    /// <summary>Draws one: each of its parts changes half of all pictures.</summary>
    public static StreetJitter Draw(ulong seed)
    {
        var random = new RandomSource(seed);
        return new StreetJitter(
            Factor(ref random, 1.8), Factor(ref random, 1.5), Factor(ref random, 1.8), Factor(ref random, 1.8), Factor(ref random, 1.25),
            Factor(ref random, 1.25));
    }

    /// <summary>A changed copy, cut off at black and white.</summary>
    /// <param name="pixels">Planes of red, green and blue, 0..1.</param>
    public float[] Apply(ReadOnlySpan<float> pixels)
    {
        var plane = pixels.Length / 3;
        var changed = new float[pixels.Length];
        var sum = 0.0;
        for (var i = 0; i < pixels.Length; i++)
            sum += changed[i] = Gain * MathF.Pow(pixels[i], Gamma);
        var mean = (float)(sum / pixels.Length);
        var scale = Contrast * Saturation;
        for (var i = 0; i < plane; i++)
        {
            var (red, green, blue) = (changed[i], changed[plane + i], changed[2 * plane + i]);
            var offset = mean * (1 - Contrast) + (Contrast - scale) * (red + green + blue) / 3;
            changed[i] = Math.Clamp(Red * (scale * red + offset), 0, 1);
            changed[plane + i] = Math.Clamp(scale * green + offset, 0, 1);
            changed[2 * plane + i] = Math.Clamp(Blue * (scale * blue + offset), 0, 1);
        }
        return changed;
    }

    // From 1/most to most, or 1.
    private static float Factor(ref RandomSource random, double most)
    {
        var factor = random.NextLogUniform(new LogRange(1 / most, most));
        return StreetFigures.Chance(ref random, 0.5) ? (float)factor : 1;
    }
}
