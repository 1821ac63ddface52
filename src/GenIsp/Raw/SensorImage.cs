using GenIsp.Geometry;

namespace GenIsp.Raw;

/// <summary>Gains that make a neutral surface gray in camera RGB, as the camera chose them; green's is 1.</summary>
/// <param name="Red">Gain of red, above 0.</param>
/// <param name="Blue">Gain of blue, above 0.</param>
public readonly record struct WhiteBalance(double Red, double Blue);

/// <summary>What took the picture and how; null where the file does not say.</summary>
/// <param name="Make">The maker, such as <c>Sony</c>.</param>
/// <param name="Model">The model, such as <c>DSC-RX100M7</c>.</param>
/// <param name="Iso">ISO speed.</param>
/// <param name="ExposureSeconds">Exposure time in seconds.</param>
public sealed record CaptureInfo(string? Make, string? Model, double? Iso, double? ExposureSeconds);

/// <summary>All that frames need to know of a sensor's picture.</summary>
/// <param name="Source">The file's name, for messages.</param>
/// <param name="Width">Columns of the active area.</param>
/// <param name="Height">Rows of the active area.</param>
/// <param name="Orientation">What makes the picture upright.</param>
internal readonly record struct SensorShape(string Source, int Width, int Height, Orientation Orientation);

/// <summary>
/// The pixels of a Bayer sensor as they were read out, with what is needed to make light of them. Margins are cut away already.
/// </summary>
public sealed class SensorImage
{
    /// <param name="source">The file's name, for messages.</param>
    /// <param name="width">Columns, at least 2.</param>
    /// <param name="height">Rows, at least 2.</param>
    /// <param name="mosaic">Raw units, [height · width], row by row.</param>
    /// <param name="cfa">The pattern at the top left of <paramref name="mosaic"/>.</param>
    /// <param name="levels">Black and white in raw units.</param>
    /// <exception cref="ArgumentException">The mosaic has another size.</exception>
    /// <exception cref="GenIspException">White is not above every black, or one is not finite.</exception>
    public SensorImage(string source, int width, int height, ushort[] mosaic, BayerPattern cfa, SensorLevels levels)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 2);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 2);
        if (mosaic.Length != (long)width * height)
            throw new ArgumentException($"A {width}×{height} mosaic needs {(long)width * height} pixels, not {mosaic.Length}.");
        foreach (var black in levels.ToBlackArray())
        {
            if (!(black < levels.White) || !double.IsFinite(black) || !double.IsFinite(levels.White))
            {
                throw new GenIspException(
                    $"{source}: the white level ({levels.White:g}) is not above the black level ({black:g}), so no pixel has a meaning. "
                    + "Correct the levels.");
            }
        }
        Source = source;
        Width = width;
        Height = height;
        Mosaic = mosaic;
        Cfa = cfa;
        Levels = levels;
    }

    /// <summary>The file's name, for messages.</summary>
    public string Source { get; }

    /// <summary>Columns of the active area, in sensor pixels.</summary>
    public int Width { get; }

    /// <summary>Rows of the active area, in sensor pixels.</summary>
    public int Height { get; }

    /// <summary>Raw units, [Height · Width], row by row.</summary>
    public ReadOnlyMemory<ushort> Mosaic { get; }

    /// <summary>The pattern at the top left of <see cref="Mosaic"/>.</summary>
    public BayerPattern Cfa { get; }

    /// <summary>Black and white in raw units.</summary>
    public SensorLevels Levels { get; }

    /// <summary>CIE XYZ (Y = 1 at white) to camera RGB, as DNG's ColorMatrix; null where the file has none.</summary>
    public Matrix3? XyzToCamera { get; init; }

    /// <summary>The camera's own white balance; null where the file has none.</summary>
    public WhiteBalance? AsShot { get; init; }

    /// <summary>What makes the picture upright.</summary>
    public Orientation Orientation { get; init; } = Orientation.Upright;

    /// <summary>What took the picture and how.</summary>
    public CaptureInfo Capture { get; init; } = new(null, null, null, null);

    /// <summary>Size and orientation.</summary>
    internal SensorShape Shape => new(Source, Width, Height, Orientation);
}
