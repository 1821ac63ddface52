using System.Runtime.CompilerServices;

namespace GenIsp.Isp.Fused;

/// <summary>The direct convolution: sums of weighted neighbours, in registers.</summary>
internal static unsafe class Convolution<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <summary>Columns that one call makes.</summary>
    public static int Columns => 3 * TSimd.Count;

    /// <summary>
    /// Four channels of <see cref="Columns"/> neighbouring pixels: LeakyReLU(start + Σ weight · value). Twelve sums stay in registers, and
    /// each number that is loaded serves three or four of them.
    /// </summary>
    /// <param name="origin">The values.</param>
    /// <param name="offsets">Where each tap's values begin, from there.</param>
    /// <param name="taps">How many there are.</param>
    /// <param name="weights">[taps, 4].</param>
    /// <param name="start">[4].</param>
    /// <param name="slope">LeakyReLU's; 1 leaves the sums as they are.</param>
    /// <param name="result">[4, <see cref="Columns"/>].</param>
    /// <param name="stride">From one channel of the result to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(float* origin, int* offsets, int taps, float* weights, float* start, float slope, float* result, int stride)
    {
        var n = TSimd.Count;
        TVector a0 = TSimd.Create(start[0]), a1 = a0, a2 = a0;
        TVector b0 = TSimd.Create(start[1]), b1 = b0, b2 = b0;
        TVector c0 = TSimd.Create(start[2]), c1 = c0, c2 = c0;
        TVector d0 = TSimd.Create(start[3]), d1 = d0, d2 = d0;
        for (var tap = 0; tap < taps; tap++)
        {
            var values = origin + offsets[tap];
            TVector v0 = TSimd.Load(values), v1 = TSimd.Load(values + n), v2 = TSimd.Load(values + 2 * n);
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
            weights += 4;
        }
        var slopes = TSimd.Create(slope);
        Store(a0, a1, a2, slopes, result);
        Store(b0, b1, b2, slopes, result + stride);
        Store(c0, c1, c2, slopes, result + 2 * stride);
        Store(d0, d1, d2, slopes, result + 3 * stride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(TVector x, TVector y, TVector z, TVector slopes, float* result)
    {
        TSimd.Store(TSimd.LeakyRelu(x, slopes), result);
        TSimd.Store(TSimd.LeakyRelu(y, slopes), result + TSimd.Count);
        TSimd.Store(TSimd.LeakyRelu(z, slopes), result + 2 * TSimd.Count);
    }
}
