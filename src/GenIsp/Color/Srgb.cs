using GenIsp.Geometry;

namespace GenIsp.Color;

/// <summary>The sRGB colour space (IEC 61966-2-1).</summary>
public static class Srgb
{
    /// <summary>The white that sRGB is made for, D65, in XYZ with Y = 1.</summary>
    public static Vector3 White { get; } = new(0.95047, 1, 1.08883);

    /// <summary>Linear sRGB to CIE XYZ (D65, Y = 1 at white).</summary>
    public static Matrix3 ToXyz { get; } = FromPrimaries();

    /// <summary>CIE XYZ (D65, Y = 1 at white) to linear sRGB.</summary>
    public static Matrix3 FromXyz { get; } = ToXyz.Inverse();

    /// <summary>Linear light to sRGB's code value; both 0..1, clamped.</summary>
    public static float Encode(float linear)
    {
        // Not a number becomes black, as a comparison with it is false.
        var x = linear > 0 ? MathF.Min(linear, 1) : 0;
        return x <= 0.0031308f ? 12.92f * x : 1.055f * MathF.Pow(x, 1 / 2.4f) - 0.055f;
    }

    /// <summary>sRGB's code value to linear light, the inverse of <see cref="Encode"/>; both 0..1, clamped.</summary>
    public static float Decode(float code)
    {
        var x = code > 0 ? MathF.Min(code, 1) : 0;
        return x <= 0.04045f ? x / 12.92f : MathF.Pow((x + 0.055f) / 1.055f, 2.4f);
    }

    // From the primaries' chromaticities: each column is a primary, scaled so that together they give white.
    private static Matrix3 FromPrimaries()
    {
        var primaries = new Matrix3(
            0.64 / 0.33, 0.30 / 0.60, 0.15 / 0.06,
            1, 1, 1,
            (1 - 0.64 - 0.33) / 0.33, (1 - 0.30 - 0.60) / 0.60, (1 - 0.15 - 0.06) / 0.06);
        return primaries * Matrix3.Diagonal(primaries.Inverse() * White);
    }
}
