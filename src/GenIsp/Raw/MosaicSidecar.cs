using GenIsp.Geometry;

namespace GenIsp.Raw;

/// <summary>
/// What <c>NAME.EXT.json</c> says of a Bayer mosaic without a RAW container. Either <c>camera</c> names a known camera, which gives the
/// matrix and, unless they are given, the levels; or <c>xyz_to_camera</c> gives the matrix. <c>white_balance</c>, the gains of red, green
/// and blue, is optional, and so is the size where the mosaic's own header has it.
/// </summary>
internal sealed record MosaicSidecar(
    (int Width, int Height)? Size, BayerPattern Cfa, SensorLevels Levels, Matrix3? XyzToCamera, WhiteBalance? WhiteBalance,
    KnownCamera? Camera, bool BigEndian)
{
    /// <summary>No Bayer sensor has more; a header that asks for more memory than this is wrong.</summary>
    public const int MaxPixels = 500_000_000;

    private const string Example =
        """{"width": 768, "height": 512, "cfa": "RGGB", "black": 600, "white": 15520, "camera": "Nikon D750", "endianness": "little"}""";

    /// <summary>Where the sidecar of a mosaic lies.</summary>
    public static string PathFor(string mosaic) => mosaic + ".json";

    /// <summary>Reads and checks the sidecar of the mosaic at <paramref name="mosaic"/>.</summary>
    /// <param name="mosaic">The mosaic's file.</param>
    /// <param name="needsSize">Whether the mosaic does not tell its size itself.</param>
    /// <exception cref="GenIspException">It is missing, is not such JSON, lacks a key, or a value is out of range.</exception>
    public static MosaicSidecar Read(string mosaic, bool needsSize)
    {
        var path = PathFor(mosaic);
        if (!File.Exists(path))
            throw new GenIspException($"{mosaic} is a bare mosaic: {path} must describe it, such as {Example}.");
        var json = SensorJson.Read(path, Example);
        var size = ReadSize(json, needsSize);
        if ((long?)size?.Width * size?.Height > MaxPixels)
            throw new GenIspException($"{path}: {size?.Width}×{size?.Height} is more than {MaxPixels / 1_000_000} megapixels.");
        var cfa = json.Pattern("cfa");
        var camera = ReadCamera(json);
        var levels = ReadLevels(json, camera);
        var matrix = json.Matrix("xyz_to_camera");
        if (camera is not null && matrix is not null)
            throw new GenIspException($"{path}: \"camera\" and \"xyz_to_camera\" both give the matrix. Keep one.");
        var whiteBalance = json.Gains("white_balance");
        var endianness = json.Text("endianness");
        if (endianness is not (null or "little" or "big"))
            throw json.Bad("endianness", "\"little\" or \"big\"");
        json.RefuseOthers();
        return new MosaicSidecar(size, cfa, levels, matrix ?? camera?.XyzToCamera, whiteBalance, camera, endianness == "big");
    }

    private static (int Width, int Height)? ReadSize(SensorJson json, bool isNeeded)
    {
        var (width, height) = (json.Whole("width", 2), json.Whole("height", 2));
        if (width is null && height is null && !isNeeded)
            return null;
        return (width ?? throw json.Missing("width"), height ?? throw json.Missing("height"));
    }

    private static KnownCamera? ReadCamera(SensorJson json) => json.Text("camera") is not { } name ? null
        : KnownCameras.Find(name) ?? throw json.Bad(
            "camera",
            $"one of {string.Join(", ", KnownCameras.All.Select(known => $"\"{known.Name}\""))}; "
                + "for another camera give \"xyz_to_camera\"");

    private static SensorLevels ReadLevels(SensorJson json, KnownCamera? camera)
    {
        var white = json.Number("white", 1, ushort.MaxValue) ?? camera?.Levels.White ?? throw json.Missing("white");
        var black = json.Blacks("black") ?? camera?.Levels.ToBlackArray() ?? throw json.Missing("black");
        if (json.Has("white") && black.Max() >= white)
            throw json.Bad("white", FormattableString.Invariant($"above every black ({black.Max():g})"));
        if (black.Max() >= white)
            throw json.Bad("black", FormattableString.Invariant($"below white ({white:g})"));
        return new SensorLevels(black[0], black[1], black[2], black[3], white);
    }
}
