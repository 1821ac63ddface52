using System.Globalization;

namespace GenIsp.Data;

/// <summary>A range of numbers above 0 from which one is drawn so that its logarithm is uniform.</summary>
public readonly record struct LogRange
{
    /// <exception cref="ArgumentOutOfRangeException">Not 0 &lt; min ≤ max &lt; ∞.</exception>
    public LogRange(double min, double max)
    {
        if (!(min > 0 && min <= max && double.IsFinite(max)))
            throw new ArgumentOutOfRangeException(nameof(min), $"{min}..{max} is no range of numbers above 0.");
        Min = min;
        Max = max;
    }

    /// <summary>The smallest number, above 0.</summary>
    public double Min { get; }

    /// <summary>The largest number.</summary>
    public double Max { get; }

    /// <summary>As on the command line: <c>10..100</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Min}..{Max}");

    /// <summary>Reads what <see cref="ToString"/> writes, or a single number.</summary>
    public static bool TryParse(string text, out LogRange range)
    {
        double[] ends =
        [
            .. text.Split("..").Select(end =>
                double.TryParse(end, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value : 0),
        ];
        var isRange = ends.Length is 1 or 2 && ends[0] > 0 && ends[0] <= ends[^1] && double.IsFinite(ends[^1]);
        range = isRange ? new LogRange(ends[0], ends[^1]) : default;
        return isRange;
    }
}

/// <summary>How dark, how noisy and under what light simulated nights are.</summary>
public sealed record NightOptions
{
    /// <summary>Shot noise of a good sensor at night.</summary>
    public static LogRange ModerateNoise { get; } = new(1e-4, 1e-3);

    /// <summary>
    /// Shot noise of a small sensor, or of a high ISO speed: so much that on COCO's photos the classical ISP keeps about a third of
    /// YOLOX-Nano's AP (<c>docs/results.md</c>).
    /// </summary>
    public static LogRange HardNoise { get; } = new(6e-4, 6e-3);

    /// <summary>k: the exposure is 1/k of the photo's.</summary>
    public LogRange Darkness { get; init; } = new(10, 100);

    /// <summary>s of the noise's variance s·x + r, with x = 1 at the sensor's white.</summary>
    public LogRange ShotNoise { get; init; } = ModerateNoise;

    /// <summary>Whether the light has a colour of its own, mostly warm, as street lamps have; otherwise it is D65.</summary>
    public bool Illuminant { get; init; } = true;
}

/// <summary>One simulated night.</summary>
/// <param name="Darkness">
/// k: the exposure is 1/k of the photo's. At 1, white has Y = 1, which in most cameras is a little too much for green.
/// </param>
/// <param name="ShotNoise">s of the noise's variance s·x + r, with x = 1 at the sensor's white; at least 0.</param>
/// <param name="ReadNoise">r of the same; at least 0.</param>
/// <param name="RedGain">What the light does to camera red, relative to D65.</param>
/// <param name="BlueGain">What the light does to camera blue, relative to D65.</param>
public sealed record NightParameters(double Darkness, double ShotNoise, double ReadNoise, double RedGain, double BlueGain)
{
    /// <summary>
    /// Draws a night: k and s log-uniform; r = exp(2.18 ln s + 1.20 + N(0, 0.26)), the line of real sensors over ISO speeds (Brooks et
    /// al., Unprocessing Images for Learned Raw Denoising, CVPR 2019, arXiv 1811.11127); red gain exp(0.7 t + N(0, 0.05)) and blue gain
    /// exp(−0.9 t + N(0, 0.05)), t uniform in −0.3..0.7: from a bluish light to a lamp's orange.
    /// </summary>
    /// <param name="options">The ranges.</param>
    /// <param name="seed">The same seed gives the same night.</param>
    public static NightParameters Draw(NightOptions options, ulong seed)
    {
        var random = new RandomSource(seed);
        var darkness = random.NextLogUniform(options.Darkness);
        var shot = random.NextLogUniform(options.ShotNoise);
        var read = Math.Exp(2.18 * Math.Log(shot) + 1.20 + 0.26 * random.NextNormal());
        var night = new NightParameters(darkness, shot, read, 1, 1);
        if (!options.Illuminant)
            return night;
        var warmth = random.NextUniform(-0.3, 0.7);
        return night with
        {
            RedGain = Math.Exp(0.7 * warmth + 0.05 * random.NextNormal()),
            BlueGain = Math.Exp(-0.9 * warmth + 0.05 * random.NextNormal()),
        };
    }
}
