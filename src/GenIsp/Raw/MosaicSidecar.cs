using System.Text.Json;
using GenIsp.Geometry;

namespace GenIsp.Raw;

/// <summary>
/// What <c>NAME.EXT.json</c> says of a Bayer mosaic without a RAW container. Either <c>camera</c> names a known camera, which gives the
/// matrix and, unless they are given, the levels; or <c>xyz_to_camera</c> gives the matrix. <c>white_balance</c>, the gains of red, green
/// and blue, is optional.
/// </summary>
internal sealed record MosaicSidecar(
    int Width, int Height, BayerPattern Cfa, SensorLevels Levels, Matrix3? XyzToCamera, WhiteBalance? WhiteBalance, string? Camera,
    bool BigEndian)
{
    /// <summary>No Bayer sensor has more; a header that asks for more memory than this is wrong.</summary>
    public const int MaxPixels = 500_000_000;

    private const string Example =
        """{"width": 768, "height": 512, "cfa": "RGGB", "black": 600, "white": 15520, "camera": "Nikon D750", "endianness": "little"}""";

    /// <summary>Where the sidecar of a mosaic lies.</summary>
    public static string PathFor(string mosaic) => mosaic + ".json";

    /// <summary>Reads and checks the sidecar of the mosaic at <paramref name="mosaic"/>.</summary>
    /// <exception cref="GenIspException">It is missing, is not such JSON, lacks a key, or a value is out of range.</exception>
    public static MosaicSidecar Read(string mosaic)
    {
        var path = PathFor(mosaic);
        if (!File.Exists(path))
            throw new GenIspException($"{mosaic} is a bare mosaic: {path} must describe it, such as {Example}.");
        try
        {
            return Check(path, JsonSerializer.Deserialize<Keys>(File.ReadAllText(path), SensorJson.Options) ?? new Keys());
        }
        catch (JsonException e)
        {
            throw new GenIspException($"{path} is not a mosaic's description{SensorJson.Reason(e)} It should look like {Example}.", e);
        }
    }

    private static MosaicSidecar Check(string path, Keys keys)
    {
        GenIspException Bad(string key, string found, string expected) =>
            new($"{path}: \"{key}\" is {found}, but must be {expected}.");
        T Needed<T>(string key, T? value) where T : struct =>
            value ?? throw new GenIspException($"{path}: \"{key}\" is missing. It should look like {Example}.");

        var width = Needed("width", keys.Width);
        var height = Needed("height", keys.Height);
        if (width < 2)
            throw Bad("width", $"{width}", "the number of the mosaic's columns");
        if (height < 2)
            throw Bad("height", $"{height}", "the number of the mosaic's rows");
        if ((long)width * height > MaxPixels)
            throw new GenIspException($"{path}: {width}×{height} is more than {MaxPixels / 1_000_000} megapixels.");
        if (keys.Cfa is null)
            throw new GenIspException($"{path}: \"cfa\" is missing. It should look like {Example}.");
        var cfa = BayerPattern.Parse(keys.Cfa)
            ?? throw Bad("cfa", $"\"{keys.Cfa}\"", $"one of {string.Join(", ", BayerPattern.All)}");
        if (keys.Endianness is not (null or "little" or "big"))
            throw Bad("endianness", $"\"{keys.Endianness}\"", "\"little\" or \"big\"");

        KnownCamera? camera = null;
        if (keys.Camera is not null)
        {
            camera = KnownCameras.Find(keys.Camera) ?? throw Bad(
                "camera", $"\"{keys.Camera}\"",
                $"one of {string.Join(", ", KnownCameras.All.Select(known => $"\"{known.Name}\""))}; for another camera give \"xyz_to_camera\"");
            if (keys.XyzToCamera is not null)
                throw new GenIspException($"{path}: \"camera\" and \"xyz_to_camera\" both give the matrix. Keep one.");
        }
        var levels = new SensorLevels(0, Needed("white", keys.White ?? camera?.Levels.White));
        if (!double.IsFinite(levels.White))
            throw Bad("white", $"{levels.White}", "a number");
        if (keys.Black is JsonElement black)
        {
            var values = SensorJson.Blacks(black) ?? throw Bad("black", black.GetRawText(), "one number or [r, g1, g2, b]");
            levels = new SensorLevels(values[0], values[1], values[2], values[3], levels.White);
        }
        else
        {
            levels = camera is not null
                ? camera.Levels with { White = levels.White }
                : throw new GenIspException($"{path}: \"black\" is missing. It should look like {Example}.");
        }
        var matrix = keys.XyzToCamera is null ? camera?.XyzToCamera : SensorJson.Matrix(path, keys.XyzToCamera);
        WhiteBalance? whiteBalance = null;
        if (keys.WhiteBalance is { } gains)
        {
            if (gains.Length != 3 || !gains.All(gain => gain > 0 && double.IsFinite(gain)))
                throw Bad("white_balance", "of another kind", "the gains of red, green and blue, three numbers above 0");
            whiteBalance = new WhiteBalance(gains[0] / gains[1], gains[2] / gains[1]);
        }
        return new MosaicSidecar(width, height, cfa, levels, matrix, whiteBalance, camera?.Name, keys.Endianness == "big");
    }

    private sealed record Keys(
        int? Width = null,
        int? Height = null,
        string? Cfa = null,
        JsonElement? Black = null,
        double? White = null,
        double[]?[]? XyzToCamera = null,
        double[]? WhiteBalance = null,
        string? Camera = null,
        string? Endianness = null);
}
