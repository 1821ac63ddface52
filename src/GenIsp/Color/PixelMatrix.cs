using System.Numerics;
using GenIsp.Geometry;

namespace GenIsp.Color;

/// <summary>A colour matrix on every pixel.</summary>
internal static class PixelMatrix
{
    /// <summary>[3, H, W] → [3, H, W]: M·pixel, in float32.</summary>
    public static float[] Apply(Matrix3 m, ReadOnlySpan<float> pixels)
    {
        var plane = pixels.Length / 3;
        var result = new float[pixels.Length];
        ReadOnlySpan<float> x = pixels[..plane], y = pixels[plane..(2 * plane)], z = pixels[(2 * plane)..];
        Row((float)m.M11, (float)m.M12, (float)m.M13, x, y, z, result.AsSpan(0, plane));
        Row((float)m.M21, (float)m.M22, (float)m.M23, x, y, z, result.AsSpan(plane, plane));
        Row((float)m.M31, (float)m.M32, (float)m.M33, x, y, z, result.AsSpan(2 * plane, plane));
        return result;
    }

    private static void Row(
        float a, float b, float c, ReadOnlySpan<float> x, ReadOnlySpan<float> y, ReadOnlySpan<float> z, Span<float> result)
    {
        var i = 0;
        for (; i <= result.Length - Vector<float>.Count; i += Vector<float>.Count)
            (new Vector<float>(x[i..]) * a + new Vector<float>(y[i..]) * b + new Vector<float>(z[i..]) * c).CopyTo(result[i..]);
        for (; i < result.Length; i++)
            result[i] = x[i] * a + y[i] * b + z[i] * c;
    }
}
