using GenIsp.Geometry;
using GenIsp.Raw;

namespace GenIsp.Data;

/// <summary>
/// A camera as far as the simulated night needs it. Its colours are an exact linear map of XYZ, which no real sensor's are.
/// </summary>
/// <param name="Name">Make and model.</param>
/// <param name="Cfa">The Bayer pattern at the top left.</param>
/// <param name="Levels">Black and white in raw units.</param>
/// <param name="Bits">Raw values are 0..2^bits − 1.</param>
/// <param name="XyzToCamera">CIE XYZ to camera RGB under D65.</param>
public sealed record SimulatedCamera(string Name, BayerPattern Cfa, SensorLevels Levels, int Bits, Matrix3 XyzToCamera)
{
    private const string Example =
        """{"cfa": "RGGB", "black": 512, "white": 16383, "bits": 14, "xyz_to_camera": [[0.9, -0.3, -0.1], [-0.5, 1.2, 0], [0, 0, 0.7]]}""";

    private static readonly Dictionary<string, SimulatedCamera> Presets = new(StringComparer.OrdinalIgnoreCase)
    {
        ["sony-rx100m7"] = Of("Sony RX100 VII"),
        ["nikon-d750"] = Of("Nikon D750"),
    };

    /// <summary>The names of the cameras that need no file.</summary>
    public static IReadOnlyCollection<string> PresetNames => Presets.Keys;

    /// <summary>
    /// A preset by name (case does not matter), or a camera that a JSON file describes with the keys <c>name</c> (optional), <c>cfa</c>,
    /// <c>black</c> (one number or [r, g1, g2, b]), <c>white</c>, <c>bits</c> and <c>xyz_to_camera</c>.
    /// </summary>
    /// <exception cref="GenIspException">There is no such preset or file, it is not such JSON, or a value is out of range.</exception>
    public static SimulatedCamera Load(string nameOrFile)
    {
        if (Presets.TryGetValue(nameOrFile, out var preset))
            return preset;
        if (!File.Exists(nameOrFile))
        {
            throw new GenIspException(
                $"There is no camera \"{nameOrFile}\": it is none of {string.Join(", ", PresetNames)}, and no such file exists.");
        }
        return Read(nameOrFile);
    }

    // Both RAW-NOD cameras have red at the top left and 14 bits.
    private static SimulatedCamera Of(string name)
    {
        var known = KnownCameras.Find(name)!;
        return new SimulatedCamera(known.Name, BayerPattern.Rggb, known.Levels, 14, known.XyzToCamera);
    }

    private static SimulatedCamera Read(string path)
    {
        var json = SensorJson.Read(path, Example);
        var name = json.Text("name") is { Length: > 0 } given ? given : Path.GetFileNameWithoutExtension(path);
        var cfa = json.Pattern("cfa");
        var bits = json.Whole("bits", 8) ?? throw json.Missing("bits");
        if (bits > 16)
            throw json.Bad("bits", "8 to 16");
        var range = (1 << bits) - 1;
        var white = json.Number("white", 1, ushort.MaxValue) ?? throw json.Missing("white");
        if (white > range)
            throw json.Bad("white", $"above 0 and at most {range}, the highest number of {bits} bits");
        var black = json.Blacks("black") ?? throw json.Missing("black");
        if (black.Any(value => value < 0 || value >= white))
            throw json.Bad("black", $"at least 0 and below white, which is {white}");
        var matrix = json.Matrix("xyz_to_camera") ?? throw json.Missing("xyz_to_camera");
        json.RefuseOthers();
        return new SimulatedCamera(name, cfa, new SensorLevels(black[0], black[1], black[2], black[3], white), bits, matrix);
    }
}
