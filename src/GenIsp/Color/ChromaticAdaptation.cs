using GenIsp.Geometry;

namespace GenIsp.Color;

/// <summary>Carries colours seen under one light over to another.</summary>
internal static class ChromaticAdaptation
{
    // The cone responses of the Bradford transform (Lam 1985), as ICC.1 and the DNG specification use it.
    private static readonly Matrix3 Bradford = new(
        0.8951, 0.2664, -0.1614,
        -0.7502, 1.7135, 0.0367,
        0.0389, -0.0685, 1.0296);

    /// <summary>
    /// Whether a colour may be a light: its cone responses are above 0. The adaptation of another would turn colours inside out.
    /// </summary>
    public static bool IsLight(Vector3 white) => Bradford * white is { X: > 0, Y: > 0, Z: > 0 } && white.Y > 0;

    /// <summary>
    /// The matrix on XYZ that maps white <paramref name="from"/> to white <paramref name="to"/> (Y is kept as it is in each).
    /// </summary>
    public static Matrix3 Between(Vector3 from, Vector3 to)
    {
        var (source, target) = (Bradford * from, Bradford * to);
        return Bradford.Inverse()
            * Matrix3.Diagonal(new Vector3(target.X / source.X, target.Y / source.Y, target.Z / source.Z))
            * Bradford;
    }
}
