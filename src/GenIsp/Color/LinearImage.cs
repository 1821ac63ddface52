using GenIsp.Geometry;

namespace GenIsp.Color;

/// <summary>How the colour matrix of the file, which maps XYZ to camera RGB, is used on camera RGB.</summary>
public enum CstDirection
{
    /// <summary>Inverted: camera RGB becomes CIE XYZ. What the paper describes.</summary>
    Inverse,

    /// <summary>As it is: wrong, as in the public reproductions; kept to measure what that costs.</summary>
    Direct,

    /// <summary>Not at all: camera RGB stays.</summary>
    None,
}

/// <summary>A picture in linear light, as an ISP takes it.</summary>
public sealed class LinearImage
{
    /// <param name="source">The file's name, for messages.</param>
    /// <param name="pixels">[3, H, W], planar, float32.</param>
    /// <param name="frame">Size, and where the pixels lie in the full-resolution picture.</param>
    /// <param name="cst">Which colour space the pixels are in.</param>
    /// <param name="white">The as-shot white in the pixels' own space, or null.</param>
    /// <param name="saturated">The colour of a pixel that is saturated in all channels.</param>
    /// <exception cref="ArgumentException">The pixels are not 3 · H · W.</exception>
    public LinearImage(string source, float[] pixels, Frame frame, CstDirection cst, Vector3? white, Vector3 saturated)
    {
        if (pixels.Length != 3L * frame.Width * frame.Height)
        {
            throw new ArgumentException(
                $"A {frame.Width}×{frame.Height} image needs {3L * frame.Width * frame.Height} values, not {pixels.Length}.");
        }
        Source = source;
        Pixels = pixels;
        Frame = frame;
        Cst = cst;
        White = white;
        Saturated = saturated;
    }

    /// <summary>The file's name, for messages.</summary>
    public string Source { get; }

    /// <summary>
    /// [3, H, W], planar, float32. X, Y, Z with Y = 1 at full exposure when <see cref="Cst"/> is inverse, else camera RGB (or what a
    /// wrong matrix makes of it). Noise goes below 0.
    /// </summary>
    public ReadOnlyMemory<float> Pixels { get; }

    /// <summary>Size, and where the pixels lie in the full-resolution picture, upright.</summary>
    public Frame Frame { get; }

    /// <summary>Columns.</summary>
    public int Width => Frame.Width;

    /// <summary>Rows.</summary>
    public int Height => Frame.Height;

    /// <summary>Which colour space the pixels are in.</summary>
    public CstDirection Cst { get; }

    /// <summary>What the camera took for white, in the pixels' own space; only its direction means something. Null if unknown.</summary>
    public Vector3? White { get; }

    /// <summary>The colour of a pixel that is saturated in all channels; no pixel is brighter.</summary>
    public Vector3 Saturated { get; }
}
