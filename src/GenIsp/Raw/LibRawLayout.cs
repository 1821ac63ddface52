namespace GenIsp.Raw;

/// <summary>
/// Byte offsets into LibRaw's <c>libraw_data_t</c>. The C API has no getter for most of what is needed, and the layout changes with the
/// minor version and, where it holds C's <c>long</c>, with the platform. <c>tests/reference/libraw_offsets.c</c> prints these numbers
/// from LibRaw's own headers. Fields that are constants here have the same place in their sub-struct in every version.
/// </summary>
/// <param name="Idata">Start of <c>idata</c>.</param>
/// <param name="Color">Start of <c>color</c>.</param>
/// <param name="Other">Start of <c>other</c>.</param>
/// <param name="RawData">Start of <c>rawdata</c>.</param>
/// <param name="ParentClass">Place of <c>parent_class</c>, which points 8 bytes before the struct: a check of the whole table.</param>
/// <param name="CamMul">Place of <c>cam_mul</c> in <c>color</c>.</param>
/// <param name="CamXyz">Place of <c>cam_xyz</c> in <c>color</c>.</param>
/// <param name="DngColor">Place of <c>dng_color</c> in <c>color</c>.</param>
/// <param name="AnalogBalance">Place of <c>dng_levels.analogbalance</c> in <c>color</c>.</param>
internal sealed record LibRawLayout(
    int Idata, int Color, int Other, int RawData, int ParentClass, int CamMul, int CamXyz, int DngColor, int AnalogBalance)
{
    public const int Sizes = 8;
    public const int Height = Sizes + 4;
    public const int Width = Sizes + 6;
    public const int TopMargin = Sizes + 8;
    public const int LeftMargin = Sizes + 10;
    public const int RawHeight = Sizes;
    public const int RawWidth = Sizes + 2;
    public const int RawPitch = Sizes + 16;
    public const int PixelAspect = Sizes + 24;
    public const int Flip = Sizes + 32;

    // In idata.
    public const int Make = 4;
    public const int Model = 68;
    public const int IsFoveon = 336;
    public const int Filters = 344;
    public const int ColorLetters = 420;

    // In color.
    public const int CBlack = 131072;
    public const int CBlackCount = 4104;
    public const int Black = 147488;
    public const int Maximum = 147496;

    // In an element of dng_color.
    public const int DngColorSize = 168;
    public const int DngIlluminant = 4;
    public const int DngCalibration = 8;
    public const int DngMatrix = 72;

    // In other.
    public const int IsoSpeed = 0;
    public const int Shutter = 4;

    // In rawdata.
    public const int RawImage = 8;

    /// <summary>The versions whose layouts are known.</summary>
    public const string Supported = "0.20, 0.21 and 0.22";

    /// <summary>The layout of 0.<paramref name="minor"/> on this platform, or null if it is not known.</summary>
    public static LibRawLayout? For(int minor) => (minor, OperatingSystem.IsWindows()) switch
    {
        (20, false) => new(184, 5384, 192424, 193248, 380992, 147672, 147848, 148324, 181540),
        (20, true) => new(184, 5384, 192408, 193232, 380960, 147652, 147828, 148308, 181524),
        (21, false) => new(192, 5384, 192432, 193520, 381280, 147672, 147848, 148324, 181548),
        (21, true) => new(192, 5384, 192416, 193504, 381248, 147652, 147828, 148308, 181532),
        (22, _) => new(192, 5592, 192680, 193768, 381568, 147652, 147828, 148308, 181536),
        _ => null,
    };
}
