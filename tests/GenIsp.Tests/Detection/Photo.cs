using SkiaSharp;
using static TorchSharp.torch;

namespace GenIsp.Tests.Detection;

/// <summary>Photos as a detector gets them.</summary>
internal static class Photo
{
    /// <summary>[3, H, W], float32, RGB, 0..1.</summary>
    public static Tensor Read(string path)
    {
        using var bitmap = SKBitmap.Decode(path);
        var values = bitmap.Pixels.SelectMany(pixel => new[] { pixel.Red / 255f, pixel.Green / 255f, pixel.Blue / 255f }).ToArray();
        return tensor(values, [bitmap.Height, bitmap.Width, 3], dtype: ScalarType.Float32).permute(2, 0, 1).contiguous();
    }
}
