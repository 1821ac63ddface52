using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace GenIsp.Isp.Fused;

/// <summary>
/// The first convolution of a block of columns, row by row. A row of numbers lies split by column modulo 4, [4, stride]: so a vector
/// holds one pixel of each of neighbouring tiles, and nothing has to be shuffled.
/// </summary>
internal sealed unsafe class FeatureRows<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    private const int Taps = ShallowWeights.Taps;

    private readonly LinearPicture _picture;

    // Keeps alive what the pointers point to.
    private readonly Scratch _scratch;

    // Four rows of the corrected picture, [4, 3 channels, 4, Stride]; row y lies at y mod 4.
    private readonly float* _input;

    // One row before it is split.
    private readonly float* _line;

    // Where the taps lie: [4 rows modulo 4, 4 columns modulo 4, taps].
    private readonly int[] _offsets = GC.AllocateUninitializedArray<int>(4 * 4 * Taps, pinned: true);

    private int _x;
    private int _filled;

    public FeatureRows(LinearPicture picture)
    {
        _picture = picture;
        _scratch = new Scratch(4 * InputRow, 4 * Stride);
        _input = _scratch.Take(4 * InputRow);
        _line = _scratch.Take(4 * Stride);
        for (var i = 0; i < _offsets.Length; i++)
        {
            var (y, x, tap) = (i / Taps / 4, i / Taps % 4, i % Taps);
            var (row, channel, column) = ((y + 3 + tap / 9) % 4, tap / 3 % 3, x + tap % 3);
            _offsets[i] = row * InputRow + (channel * 4 + column % 4) * Stride + column / 4;
        }
    }

    /// <summary>Tiles of four columns, side by side.</summary>
    public static int Tiles => 3 * TSimd.Count;

    /// <summary>From one column modulo 4 to the next: one tile more, aligned.</summary>
    public static int Stride => 4 * TSimd.Count;

    /// <summary>Numbers in a row of all channels.</summary>
    public static int Size => ShallowWeights.First * 4 * Stride;

    private static int InputRow => 3 * 4 * Stride;

    /// <summary>Goes to another block: the first column and the first row that will be asked for.</summary>
    public void Start(int x, int y) => (_x, _filled) = (x, y - 1);

    /// <summary>The row's LeakyReLU(start + Σ weight · pixel), of all columns of the tiles. Rows must be asked for in order.</summary>
    /// <param name="y">A row of the picture.</param>
    /// <param name="weights">[4, 27, 4].</param>
    /// <param name="start">[16].</param>
    /// <param name="slope">LeakyReLU's.</param>
    /// <param name="result">[16, 4, <see cref="Stride"/>].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Compute(int y, float* weights, float* start, float slope, float* result)
    {
        while (_filled <= y + 1)
            Fill(_filled++);
        for (var column = 0; column < 4; column++)
        {
            for (var group = 0; group < ShallowWeights.First / 4; group++)
            {
                Convolution<TSimd, TVector>.Run(
                    _input, Offsets(y, column), Taps, weights + group * Taps * 4, start + group * 4, slope,
                    result + (group * 4 * 4 + column) * Stride, 4 * Stride);
            }
        }
    }

    /// <summary>
    /// The same of the two columns after the last tile, which its six columns need; then what lies outside the picture becomes 0.
    /// </summary>
    public void Complete(int y, float* weights, float* start, float slope, float* result)
    {
        for (var column = 0; column < 2; column++)
            ComputeColumn(_input + Tiles, Offsets(y, column), weights, start, slope, result + column * Stride + Tiles);
        var end = 4 * Tiles + 2;
        for (var u = 0; u < -_x; u++)
            Clear(u, result);
        for (var u = Math.Max(0, _picture.Width - _x); u < end; u++)
            Clear(u, result);
    }

    // A vector of channels instead of pixels.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ComputeColumn(float* origin, int* offsets, float* weights, float* start, float slope, float* result)
    {
        Vector128<float> a = Vector128.Load(start), b = Vector128.Load(start + 4);
        Vector128<float> c = Vector128.Load(start + 8), d = Vector128.Load(start + 12);
        for (var tap = 0; tap < Taps; tap++)
        {
            var value = Vector128.Create(origin[offsets[tap]]);
            a = Vector128.MultiplyAddEstimate(value, Vector128.Load(weights), a);
            b = Vector128.MultiplyAddEstimate(value, Vector128.Load(weights + Taps * 4), b);
            c = Vector128.MultiplyAddEstimate(value, Vector128.Load(weights + 2 * Taps * 4), c);
            d = Vector128.MultiplyAddEstimate(value, Vector128.Load(weights + 3 * Taps * 4), d);
            weights += 4;
        }
        Scatter(a, slope, result);
        Scatter(b, slope, result + 16 * Stride);
        Scatter(c, slope, result + 32 * Stride);
        Scatter(d, slope, result + 48 * Stride);
    }

    private static void Scatter(Vector128<float> channels, float slope, float* result)
    {
        var active = Simd128.LeakyRelu(channels, Vector128.Create(slope));
        for (var channel = 0; channel < 4; channel++)
            result[channel * 4 * Stride] = active[channel];
    }

    private static void Clear(int column, float* result)
    {
        for (var channel = 0; channel < ShallowWeights.First; channel++)
            result[(channel * 4 + column % 4) * Stride + column / 4] = 0;
    }

    private int* Offsets(int y, int column) => (int*)Unsafe.AsPointer(ref _offsets[((y & 3) * 4 + column) * Taps]);

    // The first convolution sees zeros around the corrected picture.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Fill(int y)
    {
        var to = _input + (y & 3) * InputRow;
        if (y < 0 || y >= _picture.Height)
        {
            new Span<float>(to, InputRow).Clear();
            return;
        }
        var left = _x - 1;
        var count = 4 * (Tiles + 1);
        var (from, end) = (Math.Max(0, -left), Math.Min(count, _picture.Width - left));
        new Span<float>(_line, from).Clear();
        new Span<float>(_line + Math.Max(0, end), count - Math.Max(0, end)).Clear();
        for (var channel = 0; channel < 3; channel++)
        {
            Correct(channel, y, left, from, end);
            var planes = to + channel * 4 * Stride;
            for (var tile = 0; tile <= Tiles; tile++)
            {
                planes[tile] = _line[4 * tile];
                planes[tile + Stride] = _line[4 * tile + 1];
                planes[tile + 2 * Stride] = _line[4 * tile + 2];
                planes[tile + 3 * Stride] = _line[4 * tile + 3];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Correct(int channel, int y, int left, int from, int end)
    {
        float* r = _picture.Row(0, y) + left, g = _picture.Row(1, y) + left, b = _picture.Row(2, y) + left;
        var (wr, wg, wb) = (_picture.Matrix[3 * channel], _picture.Matrix[3 * channel + 1], _picture.Matrix[3 * channel + 2]);
        var i = from;
        for (; i <= end - Vector<float>.Count; i += Vector<float>.Count)
        {
            var sum = Vector.Load(r + i) * new Vector<float>(wr) + Vector.Load(g + i) * new Vector<float>(wg);
            Vector.Store(sum + Vector.Load(b + i) * new Vector<float>(wb), _line + i);
        }
        for (; i < end; i++)
            _line[i] = r[i] * wr + g[i] * wg + b[i] * wb;
    }
}
