namespace GenIsp.Raw;

/// <summary>The four colours of a Bayer cell. G1 shares its row with red, G2 with blue.</summary>
public enum CfaColor
{
    /// <summary>Red.</summary>
    R,

    /// <summary>Green in a red row.</summary>
    G1,

    /// <summary>Green in a blue row.</summary>
    G2,

    /// <summary>Blue.</summary>
    B,
}

/// <summary>
/// The colour filter array of a Bayer sensor: its 2×2 cell, named by reading the cell row by row from the image's top left corner.
/// </summary>
public readonly record struct BayerPattern
{
    private BayerPattern(int redX, int redY) => (RedX, RedY) = (redX, redY);

    /// <summary>The column of red in the cell, 0 or 1.</summary>
    public int RedX { get; }

    /// <summary>The row of red in the cell, 0 or 1.</summary>
    public int RedY { get; }

    /// <summary>Red at the top left.</summary>
    public static BayerPattern Rggb { get; } = new(0, 0);

    /// <summary>Red at the top right.</summary>
    public static BayerPattern Grbg { get; } = new(1, 0);

    /// <summary>Red at the bottom left.</summary>
    public static BayerPattern Gbrg { get; } = new(0, 1);

    /// <summary>Red at the bottom right.</summary>
    public static BayerPattern Bggr { get; } = new(1, 1);

    /// <summary>All four.</summary>
    public static IReadOnlyList<BayerPattern> All { get; } = [Rggb, Grbg, Gbrg, Bggr];

    /// <summary>The colour of the pixel at column <paramref name="x"/> and row <paramref name="y"/>, both at least 0.</summary>
    public CfaColor ColorAt(int x, int y) => ((x & 1) == RedX, (y & 1) == RedY) switch
    {
        (true, true) => CfaColor.R,
        (false, true) => CfaColor.G1,
        (true, false) => CfaColor.G2,
        (false, false) => CfaColor.B,
    };

    /// <summary>The pattern with this name, such as <c>RGGB</c> (case does not matter), or null.</summary>
    public static BayerPattern? Parse(string name)
    {
        foreach (var pattern in All)
        {
            if (pattern.ToString().Equals(name, StringComparison.OrdinalIgnoreCase))
                return pattern;
        }
        return null;
    }

    /// <summary>The name, such as <c>RGGB</c>.</summary>
    public override string ToString()
    {
        var pattern = this;
        return string.Concat(new[] { (0, 0), (1, 0), (0, 1), (1, 1) }.Select(at => pattern.ColorAt(at.Item1, at.Item2).ToString()[0]));
    }
}
