namespace GenIsp.Geometry;

/// <summary>What makes a stored picture upright, with EXIF's numbers (Exif 2.32, tag 0x0112).</summary>
public enum Orientation
{
    /// <summary>Upright as stored.</summary>
    Upright = 1,

    /// <summary>Mirror left to right.</summary>
    MirrorHorizontal = 2,

    /// <summary>Turn by 180°.</summary>
    Rotate180 = 3,

    /// <summary>Mirror top to bottom.</summary>
    MirrorVertical = 4,

    /// <summary>Mirror at the falling diagonal.</summary>
    Transpose = 5,

    /// <summary>Turn by 90° clockwise.</summary>
    Rotate90 = 6,

    /// <summary>Mirror at the rising diagonal.</summary>
    Transverse = 7,

    /// <summary>Turn by 270° clockwise.</summary>
    Rotate270 = 8,
}

/// <summary>What follows from an orientation.</summary>
public static class OrientationExtensions
{
    /// <summary>Whether width and height change places.</summary>
    public static bool SwapsSides(this Orientation orientation) => orientation >= Orientation.Transpose;

    /// <summary>What undoes it.</summary>
    public static Orientation Inverse(this Orientation orientation) => orientation switch
    {
        Orientation.Rotate90 => Orientation.Rotate270,
        Orientation.Rotate270 => Orientation.Rotate90,
        _ => orientation,
    };
}
