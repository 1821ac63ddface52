using GenIsp.Geometry;

namespace GenIsp.Raw;

/// <summary>A camera's figures, for mosaics that come without them.</summary>
/// <param name="Make">The maker.</param>
/// <param name="Model">The model.</param>
/// <param name="Levels">Black and white in raw units at 14 bits.</param>
/// <param name="XyzToCamera">CIE XYZ to camera RGB under D65.</param>
public sealed record KnownCamera(string Make, string Model, SensorLevels Levels, Matrix3 XyzToCamera)
{
    /// <summary>Make and model.</summary>
    public string Name => $"{Make} {Model}";
}

/// <summary>The two cameras of the RAW-NOD data set, with LibRaw's levels and Adobe's matrices.</summary>
public static class KnownCameras
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<KnownCamera> All { get; } =
    [
        new("Sony", "RX100 VII", new SensorLevels(800, 16300), new Matrix3(
            1.0315, -0.4390, -0.0937,
            -0.4859, 1.2734, 0.2365,
            -0.0734, 0.1537, 0.5997)),
        new("Nikon", "D750", new SensorLevels(600, 15520), new Matrix3(
            0.9020, -0.2890, -0.0715,
            -0.4535, 1.2436, 0.2348,
            -0.0934, 0.1919, 0.7086)),
    ];

    /// <summary>The camera of this name, such as <c>Nikon D750</c> (case does not matter), or null.</summary>
    public static KnownCamera? Find(string name) =>
        All.FirstOrDefault(camera => camera.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
}
