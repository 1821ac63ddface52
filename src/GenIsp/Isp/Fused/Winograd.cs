using System.Runtime.CompilerServices;

namespace GenIsp.Isp.Fused;

/// <summary>
/// Winograd's minimal filtering F(4×4, 3×3) (Lavin and Gray, CVPR 2016, arXiv 1509.09308): 36 products make 16 pixels, a quarter of the
/// direct convolution's. Channels lie side by side.
/// </summary>
internal static unsafe class Winograd<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    private const int Inputs = ShallowWeights.First;
    private const int Outputs = ShallowWeights.Second;

    /// <summary>Bᵀ·d·B of neighbouring tiles.</summary>
    /// <param name="rows">Six rows, each [4 · tiles + 2, 16].</param>
    /// <param name="stride">From one row to the next.</param>
    /// <param name="tiles">How many there are.</param>
    /// <param name="halves">As many numbers as the rows: scratch.</param>
    /// <param name="result">[tiles, 36, 16].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TransformInput(float* rows, int stride, int tiles, float* halves, float* result)
    {
        var width = (4 * tiles + 2) * Inputs;
        for (var i = 0; i < width; i += TSimd.Count)
            ToSix(rows + i, stride, halves + i, width);
        for (var tile = 0; tile < tiles; tile++)
        {
            for (var row = 0; row < 6; row++)
            {
                float* from = halves + row * width + tile * 4 * Inputs, to = result + (tile * 36 + row * 6) * Inputs;
                for (var i = 0; i < Inputs; i += TSimd.Count)
                    ToSix(from + i, Inputs, to + i, Inputs);
            }
        }
    }

    /// <summary>At each of the 36 positions, a product of [tiles, 16] and [16, 64].</summary>
    /// <param name="input">[tiles, 36, 16].</param>
    /// <param name="tiles">A multiple of twelve.</param>
    /// <param name="weights">[36, 16, 64].</param>
    /// <param name="start">[64]: added to every pixel.</param>
    /// <param name="result">[tiles, 36, 64].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(float* input, int tiles, float* weights, float* start, float* result)
    {
        var offsets = stackalloc int[Inputs];
        for (var i = 0; i < Inputs; i++)
            offsets[i] = i;
        var zeros = stackalloc float[Outputs];
        new Span<float>(zeros, Outputs).Clear();
        for (var position = 0; position < 36; position++)
        {
            Products<TSimd, TVector>.Run(
                input + position * Inputs, 36 * Inputs, tiles, offsets, Inputs, weights + position * Inputs * Outputs, Outputs,
                position == WinogradWeights.Everywhere ? start : zeros, 1, result + position * Outputs, 36 * Outputs);
        }
    }

    /// <summary>The first half of Aᵀ·m·A of a tile, for one vector of channels: six rows become four.</summary>
    /// <param name="products">[36] vectors.</param>
    /// <param name="step">From one of them to the next.</param>
    /// <param name="result">[4, 6] vectors.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void TransformColumns(float* products, nint step, float* result)
    {
        var n = TSimd.Count;
        for (var column = 0; column < 6; column++)
        {
            var m = products + column * step;
            ToFour(
                TSimd.Load(m), TSimd.Load(m + 6 * step), TSimd.Load(m + 12 * step), TSimd.Load(m + 18 * step), TSimd.Load(m + 24 * step),
                TSimd.Load(m + 30 * step), out var y0, out var y1, out var y2, out var y3);
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

    /// <summary>Bᵀ of six vectors, for the points 0, ±1, ±2 and infinity.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ToSix(float* from, int fromStep, float* to, int step)
    {
        TVector d0 = TSimd.Load(from), d1 = TSimd.Load(from + fromStep), d2 = TSimd.Load(from + 2 * fromStep);
        TVector d3 = TSimd.Load(from + 3 * fromStep), d4 = TSimd.Load(from + 4 * fromStep), d5 = TSimd.Load(from + 5 * fromStep);
        TVector four = TSimd.Create(4), minusFour = TSimd.Create(-4), minusFive = TSimd.Create(-5), two = TSimd.Create(2);
        TVector even = TSimd.MultiplyAdd(d2, minusFour, d4), odd = TSimd.MultiplyAdd(d1, minusFour, d3);
        TVector even2 = TSimd.Subtract(d4, d2), odd2 = TSimd.Subtract(d3, d1);
        TSimd.Store(TSimd.MultiplyAdd(d0, four, TSimd.MultiplyAdd(d2, minusFive, d4)), to);
        TSimd.Store(TSimd.Add(even, odd), to + step);
        TSimd.Store(TSimd.Subtract(even, odd), to + 2 * step);
        TSimd.Store(TSimd.MultiplyAdd(odd2, two, even2), to + 3 * step);
        TSimd.Store(TSimd.MultiplyAdd(odd2, TSimd.Create(-2), even2), to + 4 * step);
        TSimd.Store(TSimd.MultiplyAdd(d1, four, TSimd.MultiplyAdd(d3, minusFive, d5)), to + 5 * step);
    }

    // Aᵀ. (The compiler keeps vectors of a tuple in memory.)
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ToFour(
        TVector m0, TVector m1, TVector m2, TVector m3, TVector m4, TVector m5,
        out TVector y0, out TVector y1, out TVector y2, out TVector y3)
    {
        TVector sum1 = TSimd.Add(m1, m2), difference1 = TSimd.Subtract(m1, m2);
        TVector sum2 = TSimd.Add(m3, m4), difference2 = TSimd.Subtract(m3, m4);
        y0 = TSimd.Add(TSimd.Add(m0, sum1), sum2);
        y1 = TSimd.MultiplyAdd(difference2, TSimd.Create(2), difference1);
        y2 = TSimd.MultiplyAdd(sum2, TSimd.Create(4), sum1);
        y3 = TSimd.Add(TSimd.MultiplyAdd(difference2, TSimd.Create(8), difference1), m5);
    }
}
