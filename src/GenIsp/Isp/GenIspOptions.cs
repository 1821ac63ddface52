using System.Globalization;
using GenIsp.Color;

namespace GenIsp.Isp;

/// <summary>What evens out the features of the shallow network.</summary>
public enum FeatureNormalization
{
    /// <summary>InstanceNorm without weights of its own: the paper's.</summary>
    Instance,

    /// <summary>
    /// InstanceNorm with a learned scale and shift a channel, so that what comes after may bend elsewhere than at the mean.
    /// </summary>
    Affine,

    /// <summary>Nothing.</summary>
    None,
}

/// <summary>What a GenISP network's weights do not show, and what must therefore travel with them.</summary>
public sealed record GenIspOptions
{
    /// <summary>The paper names InstanceNorm and not its epsilon; this is every framework's default.</summary>
    internal const double NormEpsilon = 1e-5;

    /// <summary>Side of the square copy that ConvWB and ConvCC look at, in pixels.</summary>
    internal const int ParameterSize = 256;

    /// <summary>Of <see cref="AutoBelow"/> in a file's metadata.</summary>
    internal const string AutoBelowKey = "auto_below_db";

    private static readonly string PoolsRule = $"three whole numbers above 0 with a product of at most {ParameterSize}";

    // What never varies here, written down for other readers of the file, and refused when a file says otherwise.
    private static readonly KeyValuePair<string, string>[] FixedConventions =
    [
        new("input", "linear, black 0, white 1"),
        new("output", "rgb 0..1, unclamped"),
        new("parameter_size", $"{ParameterSize}"),
        new("instance_norm_epsilon", NormEpsilon.ToString("r", CultureInfo.InvariantCulture)),
    ];

    /// <summary>Window and stride of the three max poolings, each at least 1. The Delft reproduction's weights need 4, 3, 2.</summary>
    public IReadOnlyList<int> Pools { get; init; } = [2, 2, 2];

    /// <summary>LeakyReLU's slope below 0.</summary>
    public double NegativeSlope { get; init; } = 0.01;

    /// <summary>The colour space of the input.</summary>
    public CstDirection Cst { get; init; } = CstDirection.Inverse;

    /// <summary>What evens out the features of the shallow network; all but the paper's is there to measure what that costs.</summary>
    public FeatureNormalization Normalization { get; init; }

    /// <summary>Whether the colour-corrected picture is added to the shallow network's output; not in the paper.</summary>
    public bool Skip { get; init; }

    /// <summary>The size of the pictures on which it was trained, and at which it is best used; null if nobody knows.</summary>
    public SizeLimit? MaxSize { get; init; }

    /// <summary>Whether its pictures were averaged where they shrank, and are best so.</summary>
    public bool Antialias { get; init; }

    /// <summary>
    /// The signal-to-noise ratio in decibels below which it serves detectors better than the classical ISP; null if nobody has measured.
    /// </summary>
    public double? AutoBelow { get; init; }

    /// <summary>How the input is made that such a network works best on.</summary>
    internal LinearOptions Input => new() { Cst = Cst, MaxSize = MaxSize ?? SizeLimit.Detection, Antialias = Antialias };

    /// <summary>The options as text by key, for a weights file's metadata.</summary>
    internal IEnumerable<KeyValuePair<string, string>> ToMetadata() =>
    [
        new("architecture", "genisp"),
        new("pools", string.Join(",", Pools)),
        new("negative_slope", NegativeSlope.ToString("r", CultureInfo.InvariantCulture)),
        new("cst", Cst.ToString().ToLowerInvariant()),
        .. Unless(Normalization == default, "normalization", () => Normalization.ToString().ToLowerInvariant()),
        .. Unless(!Skip, "skip", () => "true"),
        .. Unless(MaxSize is null, "max_size", () => MaxSize!.Value.ToString()),
        .. Unless(!Antialias, "antialias", () => "true"),
        .. Unless(AutoBelow is null, AutoBelowKey, () => AutoBelow!.Value.ToString("r", CultureInfo.InvariantCulture)),
        .. FixedConventions,
    ];

    // What is younger than the format is written only where it matters.
    private static KeyValuePair<string, string>[] Unless(bool isDefault, string key, Func<string> value) =>
        isDefault ? [] : [new(key, value())];

    /// <exception cref="ArgumentException">Pools or slope are out of range.</exception>
    internal void Check()
    {
        if (!ArePools(Pools))
            throw new ArgumentException($"The pools {string.Join(", ", Pools)} are not {PoolsRule}.");
        if (!double.IsFinite(NegativeSlope))
            throw new ArgumentException($"The slope {NegativeSlope} is no number.");
    }

    /// <exception cref="GenIspException">The metadata is not of a GenISP network, or a value is out of range.</exception>
    internal static GenIspOptions FromMetadata(IReadOnlyDictionary<string, string> metadata, string source)
    {
        if (metadata.GetValueOrDefault("architecture") is not "genisp")
        {
            throw new GenIspException(
                $"{source} does not say that it holds a GenISP network: in its metadata, \"architecture\" is "
                + $"{(metadata.TryGetValue("architecture", out var other) ? $"\"{other}\"" : "missing")}. An ISP is a .safetensors file "
                + "with this metadata, such as genisp weights convert makes from the folder with the Delft .pth files.");
        }
        string Value(string key) => metadata.TryGetValue(key, out var text)
            ? text
            : throw new GenIspException($"{source}: \"{key}\" is missing in the metadata.");
        bool Flag(string key) => metadata.GetValueOrDefault(key, "false") switch
        {
            "true" => true,
            "false" => false,
            _ => throw Bad(key, "true or false"),
        };
        GenIspException Bad(string key, string expected) =>
            new($"{source}: \"{key}\" is \"{Value(key)}\" in the metadata, but must be {expected}.");

        var pools = Value("pools").Split(',')
            .Select(text => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var pool) ? pool : 0).ToArray();
        if (!ArePools(pools))
            throw Bad("pools", PoolsRule);
        if (!double.TryParse(Value("negative_slope"), NumberStyles.Float, CultureInfo.InvariantCulture, out var slope)
            || !double.IsFinite(slope))
            throw Bad("negative_slope", "a number");
        if (!Enum.TryParse<CstDirection>(Value("cst"), ignoreCase: true, out var cst) || !Enum.IsDefined(cst))
            throw Bad("cst", "inverse, direct or none");
        var normalization = FeatureNormalization.Instance;
        if (metadata.TryGetValue("normalization", out var text)
            && (!Enum.TryParse(text, ignoreCase: true, out normalization) || !Enum.IsDefined(normalization)))
            throw Bad("normalization", "instance, affine or none");
        SizeLimit? maxSize = null;
        if (metadata.TryGetValue("max_size", out var size))
            maxSize = SizeLimit.TryParse(size, out var limit) ? limit : throw Bad("max_size", "a size such as 1333x800");
        foreach (var (key, expected) in FixedConventions)
        {
            if (Value(key) != expected)
                throw Bad(key, $"\"{expected}\"");
        }
        double? autoBelow = null;
        if (metadata.TryGetValue(AutoBelowKey, out var decibels))
        {
            autoBelow = double.TryParse(decibels, NumberStyles.Float, CultureInfo.InvariantCulture, out var threshold) && double.IsFinite(threshold)
                ? threshold
                : throw Bad(AutoBelowKey, "a number of decibels");
        }
        return new GenIspOptions
        {
            Pools = pools,
            NegativeSlope = slope,
            Cst = cst,
            Normalization = normalization,
            Skip = Flag("skip"),
            MaxSize = maxSize,
            Antialias = Flag("antialias"),
            AutoBelow = autoBelow,
        };
    }

    // 256 pixels survive poolings whose product is at most 256.
    private static bool ArePools(IReadOnlyList<int> pools) =>
        pools.Count == 3 && pools.All(pool => pool is >= 1 and <= ParameterSize) && pools.Aggregate(1L, (a, b) => a * b) <= ParameterSize;
}
