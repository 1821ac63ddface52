using GenIsp.Geometry;

namespace GenIsp.Imaging;

/// <summary>A developed picture, as a detector takes it.</summary>
public sealed class RgbImage
{
    /// <param name="pixels">[3, H, W], planar, float32: red, green, blue.</param>
    /// <param name="frame">Size, and where the pixels lie in the full-resolution picture.</param>
    /// <exception cref="ArgumentException">The pixels are not 3 · H · W.</exception>
    public RgbImage(float[] pixels, Frame frame)
    {
        if (pixels.Length != 3L * frame.Width * frame.Height)
        {
            throw new ArgumentException(
                $"A {frame.Width}×{frame.Height} image needs {3L * frame.Width * frame.Height} values, not {pixels.Length}.");
        }
        Pixels = pixels;
        Frame = frame;
    }

    /// <summary>[3, H, W], planar, float32: red, green, blue, nominally 0..1, not clamped.</summary>
    public ReadOnlyMemory<float> Pixels { get; }

    /// <summary>Size, and where the pixels lie in the full-resolution picture, upright.</summary>
    public Frame Frame { get; }

    /// <summary>Columns.</summary>
    public int Width => Frame.Width;

    /// <summary>Rows.</summary>
    public int Height => Frame.Height;
}
