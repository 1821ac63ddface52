namespace GenIsp.Raw;

/// <summary>
/// A black level that repeats over more than one Bayer cell, as some DNGs have it. Levels know one black a colour; the rest is evened
/// out in the pixels: each is raised to the highest black of its colour, so nothing of the shadows is lost.
/// </summary>
internal sealed class BlackLift
{
    private readonly uint[] _pattern;
    private readonly int _rows;
    private readonly int _columns;

    private BlackLift(uint[] pattern, int rows, int columns) => (_pattern, _rows, _columns) = (pattern, rows, columns);

    /// <summary>Whether every pixel of a place in the Bayer cell has the same black.</summary>
    public bool IsFlat => Enumerable.Range(0, 2 * _rows * 2 * _columns).All(i => LiftAt(i % (2 * _columns), i / (2 * _columns)) == 0);

    /// <summary>The pattern [rows · columns], from the image's top left.</summary>
    public static BlackLift From(ReadOnlySpan<uint> pattern, int rows, int columns) => new(pattern.ToArray(), rows, columns);

    /// <summary>The black to subtract at a place of the Bayer cell, after <see cref="Apply"/>.</summary>
    public uint BlackAt(int x, int y)
    {
        var highest = 0u;
        for (var row = y & 1; row < 2 * _rows; row += 2)
        {
            for (var column = x & 1; column < 2 * _columns; column += 2)
                highest = Math.Max(highest, At(column, row));
        }
        return highest;
    }

    /// <summary>Raises each pixel of the mosaic, in place, up to 65535.</summary>
    public void Apply(Span<ushort> mosaic, int width)
    {
        var lifts = new uint[2 * _rows, 2 * _columns];
        for (var y = 0; y < 2 * _rows; y++)
        {
            for (var x = 0; x < 2 * _columns; x++)
                lifts[y, x] = LiftAt(x, y);
        }
        for (var i = 0; i < mosaic.Length; i++)
        {
            var (y, x) = Math.DivRem(i, width);
            mosaic[i] = (ushort)Math.Min(ushort.MaxValue, mosaic[i] + lifts[y % (2 * _rows), x % (2 * _columns)]);
        }
    }

    private uint At(int x, int y) => _pattern[y % _rows * _columns + x % _columns];

    private uint LiftAt(int x, int y) => BlackAt(x, y) - At(x, y);
}
