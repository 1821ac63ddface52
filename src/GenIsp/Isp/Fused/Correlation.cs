using System.Runtime.CompilerServices;

namespace GenIsp.Isp.Fused;

/// <summary>
/// How features of neighbouring pixels go together, by Winograd's minimal filtering F(3×5, 4×4): Σ a(p) · b(p + d) for 3 rows and 5 columns
/// of shifts d, in 48 products for 16 pixels instead of 15 · 16. Sums over tiles are taken before the last transform.
/// </summary>
internal static unsafe class Correlation<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    private const int Channels = ShallowWeights.First;

    /// <summary>The values at the points of tiles of 4×4 pixels.</summary>
    /// <param name="rows">Four rows, each [4 · tiles, 16].</param>
    /// <param name="stride">From one row to the next.</param>
    /// <param name="tiles">How many there are.</param>
    /// <param name="halves">[6, 4 · tiles, 16]: scratch.</param>
    /// <param name="result">[48], each [tiles, 16].</param>
    /// <param name="step">From one of the 48 to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TransformTiles(float* rows, int stride, int tiles, float* halves, float* result, int step)
    {
        var width = 4 * tiles * Channels;
        for (var i = 0; i < width; i += TSimd.Count)
            FourToSix(rows + i, stride, halves + i, width);
        for (var row = 0; row < 6; row++)
        {
            for (var i = 0; i < tiles * Channels; i += TSimd.Count)
            {
                var tile = i / Channels * 4 * Channels + i % Channels;
                FourToEight(halves + row * width + tile, result + row * 8 * step + i, step);
            }
        }
    }

    /// <summary>Bᵀ·d·B of the tiles and what lies around them.</summary>
    /// <param name="rows">Six rows, each [4 · tiles + 4, 16], which begin two columns before the tiles.</param>
    /// <param name="stride">From one row to the next.</param>
    /// <param name="tiles">How many there are.</param>
    /// <param name="halves">[6, 4 · tiles + 4, 16]: scratch.</param>
    /// <param name="result">[48], each [tiles, 16].</param>
    /// <param name="step">From one of the 48 to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TransformSurroundings(float* rows, int stride, int tiles, float* halves, float* result, int step)
    {
        var width = (4 * tiles + 4) * Channels;
        for (var i = 0; i < width; i += TSimd.Count)
            Winograd<TSimd, TVector>.ToSix(rows + i, stride, halves + i, width);
        for (var row = 0; row < 6; row++)
        {
            for (var i = 0; i < tiles * Channels; i += TSimd.Count)
            {
                var tile = i / Channels * 4 * Channels + i % Channels;
                ToEight(halves + row * width + tile, result + row * 8 * step + i, step);
            }
        }
    }

    /// <summary>The polynomial of four vectors at 0, ±1, ±2 and infinity.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FourToSix(float* from, int fromStep, float* to, int step) => Evaluate(
        TSimd.Load(from), TSimd.Load(from + fromStep), TSimd.Load(from + 2 * fromStep), TSimd.Load(from + 3 * fromStep), to, step, last: 5);

    // And at ±½, times 8.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FourToEight(float* from, float* to, int step)
    {
        TVector a0 = TSimd.Load(from), a1 = TSimd.Load(from + Channels), a2 = TSimd.Load(from + 2 * Channels);
        var a3 = TSimd.Load(from + 3 * Channels);
        Evaluate(a0, a1, a2, a3, to, step, last: 7);
        TVector four = TSimd.Create(4), two = TSimd.Create(2);
        TVector even = TSimd.MultiplyAdd(a0, four, a2), odd = TSimd.MultiplyAdd(a1, four, a3);
        TSimd.Store(TSimd.MultiplyAdd(even, two, odd), to + 5 * step);
        TSimd.Store(TSimd.MultiplyAdd(even, two, TSimd.Subtract(default, odd)), to + 6 * step);
    }

    // The polynomial of four values at 0, ±1, ±2 and infinity.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Evaluate(TVector a0, TVector a1, TVector a2, TVector a3, float* to, int step, int last)
    {
        TVector four = TSimd.Create(4), two = TSimd.Create(2);
        TVector even = TSimd.MultiplyAdd(a2, four, a0), odd = TSimd.MultiplyAdd(a3, four, a1);
        TSimd.Store(a0, to);
        Store(TSimd.Add(a0, a2), TSimd.Add(a1, a3), to + step, step);
        TSimd.Store(TSimd.MultiplyAdd(odd, two, even), to + 3 * step);
        TSimd.Store(TSimd.MultiplyAdd(odd, TSimd.Create(-2), even), to + 4 * step);
        TSimd.Store(a3, to + last * step);
    }

    // Bᵀ of eight vectors, for the points 0, ±1, ±2, ±½ and infinity.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ToEight(float* from, float* to, int step)
    {
        TVector d0 = TSimd.Load(from), d1 = TSimd.Load(from + Channels), d2 = TSimd.Load(from + 2 * Channels);
        TVector d3 = TSimd.Load(from + 3 * Channels), d4 = TSimd.Load(from + 4 * Channels), d5 = TSimd.Load(from + 5 * Channels);
        TVector d6 = TSimd.Load(from + 6 * Channels), d7 = TSimd.Load(from + 7 * Channels);
        TSimd.Store(TSimd.MultiplyAdd(TSimd.Subtract(d4, d2), TSimd.Create(5.25f), TSimd.Subtract(d0, d6)), to);
        TSimd.Store(TSimd.MultiplyAdd(TSimd.Subtract(d3, d5), TSimd.Create(5.25f), TSimd.Subtract(d7, d1)), to + 7 * step);
        Store(
            TSimd.MultiplyAdd(d4, TSimd.Create(-4.25f), TSimd.Add(d2, d6)), TSimd.MultiplyAdd(d3, TSimd.Create(-4.25f), TSimd.Add(d1, d5)),
            to + step, step);
        Store(
            TSimd.MultiplyAdd(d4, TSimd.Create(-1.25f), TSimd.MultiplyAdd(d2, TSimd.Create(0.25f), d6)),
            TSimd.MultiplyAdd(d5, TSimd.Create(2), TSimd.MultiplyAdd(d3, TSimd.Create(-2.5f), TSimd.Multiply(d1, TSimd.Create(0.5f)))),
            to + 3 * step, step);
        Store(
            TSimd.MultiplyAdd(d4, TSimd.Create(-5), TSimd.MultiplyAdd(d2, TSimd.Create(4), d6)),
            TSimd.MultiplyAdd(d5, TSimd.Create(0.5f), TSimd.MultiplyAdd(d3, TSimd.Create(-2.5f), TSimd.Multiply(d1, TSimd.Create(2)))),
            to + 5 * step, step);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(TVector even, TVector odd, float* to, int step)
    {
        TSimd.Store(TSimd.Add(even, odd), to);
        TSimd.Store(TSimd.Subtract(even, odd), to + step);
    }
}
