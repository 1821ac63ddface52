namespace GenIsp.Geometry;

/// <summary>
/// Where an image lies in the picture that it comes from: its own size, and the affine map from its pixels to the source's. Each step
/// (crop, pad, resize, turn) gives a new frame, and boxes pass through it; nobody scales a box by hand. Coordinates are
/// continuous: an image spans 0..<see cref="Width"/>, 0..<see cref="Height"/>, and pixel i has its centre at i + 0.5.
/// </summary>
public sealed record Frame
{
    // source = (Xx·x + Xy·y + X0, Yx·x + Yy·y + Y0)
    private double Xx { get; init; } = 1;
    private double Xy { get; init; }
    private double X0 { get; init; }
    private double Yx { get; init; }
    private double Yy { get; init; } = 1;
    private double Y0 { get; init; }

    /// <summary>The frame of an untouched picture.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A side is below 1.</exception>
    public Frame(int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        Width = width;
        Height = height;
        SourceSize = (width, height);
    }

    /// <summary>The size of the picture that the image comes from.</summary>
    public (int Width, int Height) SourceSize { get; private init; }

    /// <summary>The image's width in its own pixels.</summary>
    public int Width { get; private init; }

    /// <summary>The image's height in its own pixels.</summary>
    public int Height { get; private init; }

    /// <summary>The part that starts at (<paramref name="x"/>, <paramref name="y"/>); it may reach outside, as padding does.</summary>
    public Frame Crop(int x, int y, int width, int height) => Moved(1, 0, x, 0, 1, y, width, height);

    /// <summary>The same part of the picture with another number of pixels.</summary>
    public Frame Resize(int width, int height) =>
        Moved((double)Width / width, 0, 0, 0, (double)Height / height, 0, width, height);

    /// <summary>Turned or mirrored.</summary>
    public Frame Orient(Orientation orientation) => orientation switch
    {
        Orientation.Upright => this,
        Orientation.MirrorHorizontal => Moved(-1, 0, Width, 0, 1, 0, Width, Height),
        Orientation.Rotate180 => Moved(-1, 0, Width, 0, -1, Height, Width, Height),
        Orientation.MirrorVertical => Moved(1, 0, 0, 0, -1, Height, Width, Height),
        Orientation.Transpose => Moved(0, 1, 0, 1, 0, 0, Height, Width),
        Orientation.Rotate90 => Moved(0, 1, 0, -1, 0, Height, Height, Width),
        Orientation.Transverse => Moved(0, -1, Width, -1, 0, Height, Height, Width),
        Orientation.Rotate270 => Moved(0, -1, Width, 1, 0, 0, Height, Width),
        _ => throw new ArgumentOutOfRangeException(nameof(orientation)),
    };

    /// <summary>A box of this image in the source's pixels.</summary>
    public Box ToSource(Box box)
    {
        var (ax, ay) = (Xx * box.X1 + Xy * box.Y1 + X0, Yx * box.X1 + Yy * box.Y1 + Y0);
        var (bx, by) = (Xx * box.X2 + Xy * box.Y2 + X0, Yx * box.X2 + Yy * box.Y2 + Y0);
        return Spanning(ax, ay, bx, by);
    }

    /// <summary>A box of the source in this image's pixels; it may lie outside.</summary>
    public Box FromSource(Box box)
    {
        var determinant = Xx * Yy - Xy * Yx;
        (double, double) Back(double x, double y) =>
            ((Yy * (x - X0) - Xy * (y - Y0)) / determinant, (Xx * (y - Y0) - Yx * (x - X0)) / determinant);
        var (ax, ay) = Back(box.X1, box.Y1);
        var (bx, by) = Back(box.X2, box.Y2);
        return Spanning(ax, ay, bx, by);
    }

    // The inner map (this image's pixels → the outer image's) comes first, then the outer one's own.
    private Frame Moved(double xx, double xy, double x0, double yx, double yy, double y0, int width, int height) => new(width, height)
    {
        SourceSize = SourceSize,
        Xx = Xx * xx + Xy * yx,
        Xy = Xx * xy + Xy * yy,
        X0 = Xx * x0 + Xy * y0 + X0,
        Yx = Yx * xx + Yy * yx,
        Yy = Yx * xy + Yy * yy,
        Y0 = Yx * x0 + Yy * y0 + Y0,
    };

    private static Box Spanning(double ax, double ay, double bx, double by) =>
        new((float)Math.Min(ax, bx), (float)Math.Min(ay, by), (float)Math.Max(ax, bx), (float)Math.Max(ay, by));
}
