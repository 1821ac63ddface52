using GenIsp.Geometry;
using GenIsp.Raw;

namespace GenIsp.Color;

/// <summary>CST: the 3×3 matrix that leads from camera RGB to the space that an ISP works in.</summary>
public static class ColorSpaceTransform
{
    /// <summary>
    /// The matrix to apply to camera RGB (column vectors). LibRaw's <c>cam_xyz</c> and DNG's ColorMatrix map XYZ to camera RGB, so
    /// <see cref="CstDirection.Inverse"/> inverts it.
    /// </summary>
    /// <exception cref="GenIspException">The file's matrix is missing, zero or singular, and one is needed.</exception>
    public static Matrix3 For(SensorImage sensor, CstDirection direction)
    {
        if (direction == CstDirection.None)
            return Matrix3.Identity;
        if (sensor.XyzToCamera is not Matrix3 matrix)
        {
            throw new GenIspException(
                $"{sensor.Source} has no colour matrix for {Name(sensor)}, so camera RGB can't become XYZ. "
                + "A GenISP network that was made for --cst none works without.");
        }
        if (matrix.IsSingular)
        {
            throw new GenIspException(
                $"{sensor.Source}: the colour matrix of {Name(sensor)} is zero or singular, so camera RGB can't become XYZ. "
                + "A GenISP network that was made for --cst none works without.");
        }
        return direction == CstDirection.Direct ? matrix : matrix.Inverse();
    }

    /// <summary>What the camera took for white, after <paramref name="transform"/>; null if the file does not say.</summary>
    internal static Vector3? AsShotWhite(SensorImage sensor, Matrix3 transform) =>
        sensor.AsShot is var (red, blue) ? transform * new Vector3(1 / red, 1, 1 / blue) : null;

    private static string Name(SensorImage sensor) =>
        sensor.Capture.Model is { } model ? $"{sensor.Capture.Make} {model}".Trim() : "this camera";
}
