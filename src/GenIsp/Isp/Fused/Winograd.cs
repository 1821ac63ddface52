using System.Runtime.CompilerServices;

namespace GenIsp.Isp.Fused;

/// <summary>
/// Winograd's minimal filtering F(4×4, 3×3) (Lavin and Gray, CVPR 2016, arXiv 1509.09308): 36 products make 16 pixels, a quarter of the
/// direct convolution's. A vector holds the same pixel of neighbouring tiles.
/// </summary>
internal static unsafe class Winograd<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <summary>Tiles side by side in a block.</summary>
    public static int Tiles => 3 * TSimd.Count;

    /// <summary>Bᵀ·d·B of one channel.</summary>
    /// <param name="rows">Six rows of pixels, each split by column modulo 4: [4, <paramref name="stride"/>].</param>
    /// <param name="stride">From one of the four to the next.</param>
    /// <param name="result">[36, step], of which <see cref="Tiles"/> are set.</param>
    /// <param name="step">From one position to the next.</param>
    /// <param name="scratch">36 vectors.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TransformInput(float** rows, int stride, float* result, int step, float* scratch)
    {
        var n = TSimd.Count;
        for (var lane = 0; lane < Tiles; lane += n)
        {
            for (var column = 0; column < 6; column++)
            {
                var at = (column & 3) * stride + (column >> 2) + lane;
                TransformSix(
                    TSimd.Load(rows[0] + at), TSimd.Load(rows[1] + at), TSimd.Load(rows[2] + at), TSimd.Load(rows[3] + at),
                    TSimd.Load(rows[4] + at), TSimd.Load(rows[5] + at), scratch + column * n, 6 * n);
            }
            for (var row = 0; row < 6; row++)
            {
                var line = scratch + row * 6 * n;
                TransformSix(
                    TSimd.Load(line), TSimd.Load(line + n), TSimd.Load(line + 2 * n), TSimd.Load(line + 3 * n),
                    TSimd.Load(line + 4 * n), TSimd.Load(line + 5 * n), result + row * 6 * step + lane, step);
            }
        }
    }

    /// <summary>Four output channels of a block: at each of the 36 positions, a product of [4, 16] and [16, tiles].</summary>
    /// <param name="input">[36, 16, <see cref="Tiles"/>].</param>
    /// <param name="weights">[36, 16, 4].</param>
    /// <param name="start">[4]: added to every pixel.</param>
    /// <param name="result">[4, 36, <see cref="Tiles"/>].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(float* input, float* weights, float* start, float* result)
    {
        // Position (1, 1) is the only one that all pixels of a tile take once.
        const int Everywhere = 7;
        var n = TSimd.Count;
        var next = 36 * 3 * n;
        for (var position = 0; position < 36; position++)
        {
            TVector a0 = default, b0 = default, c0 = default, d0 = default;
            if (position == Everywhere)
                (a0, b0, c0, d0) = (TSimd.Create(start[0]), TSimd.Create(start[1]), TSimd.Create(start[2]), TSimd.Create(start[3]));
            TVector a1 = a0, a2 = a0, b1 = b0, b2 = b0, c1 = c0, c2 = c0, d1 = d0, d2 = d0;
            var end = weights + 16 * 4;
            do
            {
                TVector v0 = TSimd.Load(input), v1 = TSimd.Load(input + n), v2 = TSimd.Load(input + 2 * n);
                var w = TSimd.Create(weights[0]);
                a0 = TSimd.MultiplyAdd(v0, w, a0);
                a1 = TSimd.MultiplyAdd(v1, w, a1);
                a2 = TSimd.MultiplyAdd(v2, w, a2);
                w = TSimd.Create(weights[1]);
                b0 = TSimd.MultiplyAdd(v0, w, b0);
                b1 = TSimd.MultiplyAdd(v1, w, b1);
                b2 = TSimd.MultiplyAdd(v2, w, b2);
                w = TSimd.Create(weights[2]);
                c0 = TSimd.MultiplyAdd(v0, w, c0);
                c1 = TSimd.MultiplyAdd(v1, w, c1);
                c2 = TSimd.MultiplyAdd(v2, w, c2);
                w = TSimd.Create(weights[3]);
                d0 = TSimd.MultiplyAdd(v0, w, d0);
                d1 = TSimd.MultiplyAdd(v1, w, d1);
                d2 = TSimd.MultiplyAdd(v2, w, d2);
                input += 3 * n;
                weights += 4;
            }
            while (weights < end);
            Store(a0, a1, a2, result);
            Store(b0, b1, b2, result + next);
            Store(c0, c1, c2, result + 2 * next);
            Store(d0, d1, d2, result + 3 * next);
            result += 3 * n;
        }
    }

    /// <summary>The first half of Aᵀ·m·A for one vector of tiles: six rows become four.</summary>
    /// <param name="products">[36, <see cref="Tiles"/>], at the vector's place.</param>
    /// <param name="result">[4, 6] vectors.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void TransformColumns(float* products, float* result)
    {
        var n = TSimd.Count;
        var step = 6 * 3 * n;
        for (var column = 0; column < 6; column++)
        {
            var m = products + column * 3 * n;
            ToFour(
                TSimd.Load(m), TSimd.Load(m + step), TSimd.Load(m + 2 * step), TSimd.Load(m + 3 * step), TSimd.Load(m + 4 * step),
                TSimd.Load(m + 5 * step), out var y0, out var y1, out var y2, out var y3);
            var y = result + column * n;
            TSimd.Store(y0, y);
            TSimd.Store(y1, y + 6 * n);
            TSimd.Store(y2, y + 12 * n);
            TSimd.Store(y3, y + 18 * n);
        }
    }

    /// <summary>The second half: one row of <see cref="TransformColumns"/>' result becomes four pixels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void TransformRow(float* row, out TVector y0, out TVector y1, out TVector y2, out TVector y3)
    {
        var n = TSimd.Count;
        ToFour(
            TSimd.Load(row), TSimd.Load(row + n), TSimd.Load(row + 2 * n), TSimd.Load(row + 3 * n), TSimd.Load(row + 4 * n),
            TSimd.Load(row + 5 * n), out y0, out y1, out y2, out y3);
    }

    // Aᵀ, for the points 0, ±1, ±2 and infinity. (The compiler keeps vectors of a tuple in memory.)
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ToFour(
        TVector m0, TVector m1, TVector m2, TVector m3, TVector m4, TVector m5, out TVector y0, out TVector y1, out TVector y2, out TVector y3)
    {
        TVector sum1 = TSimd.Add(m1, m2), difference1 = TSimd.Subtract(m1, m2);
        TVector sum2 = TSimd.Add(m3, m4), difference2 = TSimd.Subtract(m3, m4);
        y0 = TSimd.Add(TSimd.Add(m0, sum1), sum2);
        y1 = TSimd.MultiplyAdd(difference2, TSimd.Create(2), difference1);
        y2 = TSimd.MultiplyAdd(sum2, TSimd.Create(4), sum1);
        y3 = TSimd.Add(TSimd.MultiplyAdd(difference2, TSimd.Create(8), difference1), m5);
    }

    // Bᵀ.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TransformSix(TVector d0, TVector d1, TVector d2, TVector d3, TVector d4, TVector d5, float* to, int step)
    {
        TVector four = TSimd.Create(4), minusFour = TSimd.Create(-4), minusFive = TSimd.Create(-5), two = TSimd.Create(2);
        TVector even = TSimd.MultiplyAdd(d2, minusFour, d4), odd = TSimd.MultiplyAdd(d1, minusFour, d3);
        TVector even2 = TSimd.Subtract(d4, d2), odd2 = TSimd.Subtract(d3, d1);
        TSimd.Store(TSimd.MultiplyAdd(d0, four, TSimd.MultiplyAdd(d2, minusFive, d4)), to);
        TSimd.Store(TSimd.Add(even, odd), to + step);
        TSimd.Store(TSimd.Subtract(even, odd), to + 2 * step);
        TSimd.Store(TSimd.MultiplyAdd(odd2, two, even2), to + 3 * step);
        TSimd.Store(TSimd.Subtract(even2, TSimd.Multiply(odd2, two)), to + 4 * step);
        TSimd.Store(TSimd.MultiplyAdd(d1, four, TSimd.MultiplyAdd(d3, minusFive, d5)), to + 5 * step);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(TVector x, TVector y, TVector z, float* result)
    {
        TSimd.Store(x, result);
        TSimd.Store(y, result + TSimd.Count);
        TSimd.Store(z, result + 2 * TSimd.Count);
    }
}
