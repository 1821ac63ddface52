using System.Runtime.CompilerServices;
using GenIsp.Isp.Fused;

namespace GenIsp.Isp.Kernels;

/// <summary>Tiles of an image at Winograd's 36 points, for any number of channels that fills a vector.</summary>
internal static unsafe class WinogradTiles<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <summary>Positions of a transformed tile.</summary>
    public const int Positions = Reach * Reach;

    /// <summary>Side of a tile, in pixels.</summary>
    public const int Tile = 4;

    /// <summary>Side of what a tile's convolution looks at.</summary>
    public const int Reach = 6;

    /// <summary>Bᵀ·d·B of a tile and what lies around it; what lies beyond the image is 0.</summary>
    /// <param name="image">Of at least as many channels as a vector has numbers.</param>
    /// <param name="y">The first of six rows.</param>
    /// <param name="x">The first of six columns.</param>
    /// <param name="patch">[36, channels]: scratch.</param>
    /// <param name="half">[36] vectors: scratch.</param>
    /// <param name="result">[36], each [channels].</param>
    /// <param name="step">From one of the 36 to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TransformInput(Plane image, int y, int x, float* patch, float* half, float* result, int step)
    {
        var channels = image.Channels;
        var from = image.At(y, x);
        var stride = image.Width * channels;
        if (y < 0 || x < 0 || y + Reach > image.Height || x + Reach > image.Width)
        {
            image.Copy(y, x, Reach, patch);
            from = patch;
            stride = Reach * channels;
        }
        var n = TSimd.Count;
        for (var i = 0; i < channels; i += n)
        {
            // The last vector may begin within the one before it.
            var channel = Math.Min(i, channels - n);
            Prefetch.Tile(from + Tile * channels + channel, stride, channels, Reach);
            for (var column = 0; column < Reach; column++)
                Winograd<TSimd, TVector>.ToSix(from + column * channels + channel, stride, half + column * n, Reach * n);
            for (var row = 0; row < Reach; row++)
                Winograd<TSimd, TVector>.ToSix(half + row * Reach * n, n, result + row * Reach * step + channel, step);
        }
    }

    /// <summary>A tile as F(3×3, 4×4) filters with it, but for the points' factors: polynomials of its pixels at the points.</summary>
    /// <param name="image">Of at least as many channels as a vector has numbers.</param>
    /// <param name="y">The first of four rows.</param>
    /// <param name="x">The first of four columns.</param>
    /// <param name="patch">[16, channels]: scratch.</param>
    /// <param name="half">[24] vectors: scratch.</param>
    /// <param name="result">[36], each [channels].</param>
    /// <param name="step">From one of the 36 to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TransformFilter(Plane image, int y, int x, float* patch, float* half, float* result, int step)
    {
        var channels = image.Channels;
        var from = image.At(y, x);
        var stride = image.Width * channels;
        if (y + Tile > image.Height || x + Tile > image.Width)
        {
            image.Copy(y, x, Tile, patch);
            from = patch;
            stride = Tile * channels;
        }
        var n = TSimd.Count;
        for (var i = 0; i < channels; i += n)
        {
            var channel = Math.Min(i, channels - n);
            Prefetch.Tile(from + Tile * channels + channel, stride, channels, Tile);
            for (var column = 0; column < Tile; column++)
                Correlation<TSimd, TVector>.FourToSix(from + column * channels + channel, stride, half + column * n, Tile * n);
            for (var row = 0; row < Reach; row++)
                Correlation<TSimd, TVector>.FourToSix(half + row * Tile * n, n, result + row * Reach * step + channel, step);
        }
    }

    /// <summary>
    /// Nine weights from sums of 36 products: Aᵀ·m·A of F(3×3, 4×4), and the points' factors, which <see cref="TransformFilter"/> leaves out.
    /// </summary>
    /// <param name="products">[36] vectors.</param>
    /// <param name="step">From one of them to the next.</param>
    /// <param name="half">[18] vectors: scratch.</param>
    /// <param name="result">[9] vectors.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TransformWeights(float* products, int step, float* half, float* result)
    {
        var n = TSimd.Count;
        for (var column = 0; column < Reach; column++)
            ToThree(products + column * step, Reach * step, half + column * n, Reach * n);
        for (var row = 0; row < 3; row++)
            ToThree(half + row * Reach * n, n, result + row * 3 * n, n);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ToThree(float* from, int fromStep, float* to, int step)
    {
        TVector m1 = TSimd.Load(from + fromStep), m2 = TSimd.Load(from + 2 * fromStep);
        TVector m3 = TSimd.Load(from + 3 * fromStep), m4 = TSimd.Load(from + 4 * fromStep);
        TVector ones = TSimd.Create(-1 / 6f), twos = TSimd.Create(1 / 24f);
        TVector even1 = TSimd.Multiply(TSimd.Add(m1, m2), ones), odd1 = TSimd.Multiply(TSimd.Subtract(m1, m2), ones);
        TVector even2 = TSimd.Multiply(TSimd.Add(m3, m4), twos), odd2 = TSimd.Multiply(TSimd.Subtract(m3, m4), twos);
        TSimd.Store(TSimd.MultiplyAdd(TSimd.Load(from), TSimd.Create(0.25f), TSimd.Add(even1, even2)), to);
        TSimd.Store(TSimd.MultiplyAdd(odd2, TSimd.Create(2), odd1), to + step);
        TSimd.Store(TSimd.MultiplyAdd(even2, TSimd.Create(4), TSimd.Add(even1, TSimd.Load(from + 5 * fromStep))), to + 2 * step);
    }
}
