using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace GenIsp.Isp.Fused;

/// <summary>Features around a block that a pass needs too.</summary>
internal readonly record struct Margins(int Left, int Right, int Above, int Below);

/// <summary>
/// The first convolution, block by block along a strip of the picture. A pixel's sixteen channels lie side by side. What a block shares
/// with the next is computed once.
/// </summary>
internal sealed unsafe class FeatureBlock<TSimd, TVector> : IDisposable
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <summary>Columns of a block: 12 tiles of Winograd's, 3 or 8 steps of <see cref="Products{TSimd, TVector}"/>.</summary>
    public const int Columns = 48;

    /// <summary>Rows of a strip: few enough for many cores.</summary>
    public const int Rows = 16;

    private const int Channels = ShallowWeights.First;

    // From one row of one colour to the next; the convolution looks at one column more on either side.
    private const int InputStride = Columns + 2;

    private readonly ShallowPass _pass;
    private readonly Margins _margins;
    private readonly float _slope;

    private readonly Scratch _scratch;

    // The corrected picture: [rows + 2, 3 colours, InputStride].
    private readonly float* _input;

    // [rows, lead + columns, 16].
    private readonly float* _features;

    private readonly int _rows;
    private readonly int[] _offsets = GC.AllocateUninitializedArray<int>(ShallowWeights.Taps, pinned: true);

    private int _x;
    private int _y;
    private int _filled;
    private int _computed;

    /// <param name="pass">Its first convolution.</param>
    /// <param name="margins">What is computed around each block.</param>
    /// <param name="slope">LeakyReLU's.</param>
    public FeatureBlock(ShallowPass pass, Margins margins, float slope)
    {
        (_pass, _margins, _slope) = (pass, margins, slope);
        _rows = Rows + margins.Above + margins.Below;
        Stride = (Lead + margins.Left + Columns + margins.Right) * Channels;
        int[] sizes = [(_rows + 2) * 3 * InputStride, _rows * Stride];
        _scratch = new Scratch(sizes);
        _input = _scratch.Take(sizes[0]);
        _features = _scratch.Take(sizes[1]);
        for (var tap = 0; tap < _offsets.Length; tap++)
            _offsets[tap] = tap / 3 * InputStride + tap % 3;
    }

    /// <summary>From one row to the next.</summary>
    public int Stride { get; }

    // Before the first block of a strip there is one step of columns, of which the last ones are needed.
    private static int Lead => Products<TSimd, TVector>.Step(Channels);

    private int Shared => _margins.Left + _margins.Right;

    private LinearPicture Picture => _pass.Picture;

    /// <summary>A row of the block with its margins, [columns, 16], counted from the first of the margin above.</summary>
    public float* Row(int row) => _features + row * Stride + Lead * Channels;

    /// <summary>Goes to the strip's first block.</summary>
    /// <param name="y">The strip's first row.</param>
    /// <returns>How many of its rows lie in the picture.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public int StartStrip(int y)
    {
        (_x, _y, _filled) = (0, y, 0);
        for (var row = 0; row < _rows && Shared > 0; row++)
            Compute(row, _margins.Right - Lead, Lead);
        (_filled, _computed) = (0, 0);
        return Math.Min(Rows, Picture.Height - y);
    }

    /// <summary>Goes to the next block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Next()
    {
        Need(_rows);
        for (var row = 0; row < _rows; row++)
            new Span<float>(Row(row) + Columns * Channels, Shared * Channels).CopyTo(new Span<float>(Row(row), Shared * Channels));
        _x += Columns;
        (_filled, _computed) = (0, 0);
    }

    /// <summary>Computes the block's first rows: LeakyReLU(start + Σ weight · pixel), and 0 outside the picture.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Need(int rows)
    {
        for (; _computed < rows; _computed++)
            Compute(_computed, _x + _margins.Right, Columns);
    }

    /// <inheritdoc/>
    public void Dispose() => _scratch.Dispose();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Compute(int row, int from, int count)
    {
        var y = _y - _margins.Above + row;
        var result = Row(row) + (from - _x + _margins.Left) * Channels;
        if (y < 0 || y >= Picture.Height)
        {
            new Span<float>(result, count * Channels).Clear();
            return;
        }
        for (_filled = Math.Max(_filled, row); _filled <= row + 2; _filled++)
            Fill(_filled, from - 1, count + 2);
        Products<TSimd, TVector>.Run(
            _input + row * 3 * InputStride, 1, count, Scratch.PointerTo(_offsets), ShallowWeights.Taps,
            Scratch.PointerTo(_pass.Conv1), Channels, Scratch.PointerTo(_pass.Start1), _slope, result, Channels);
        var (inside, end) = (Math.Clamp(-from, 0, count), Math.Clamp(Picture.Width - from, 0, count));
        if (inside > 0)
            new Span<float>(result, inside * Channels).Clear();
        if (end < count)
            new Span<float>(result + end * Channels, (count - end) * Channels).Clear();
    }

    // A row of the corrected picture; the first convolution sees zeros around it.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Fill(int row, int x, int count)
    {
        var to = _input + row * 3 * InputStride;
        var y = _y - _margins.Above + row - 1;
        var (from, end) = (Math.Clamp(-x, 0, count), Math.Clamp(Picture.Width - x, 0, count));
        if (y < 0 || y >= Picture.Height || from >= end)
        {
            new Span<float>(to, 3 * InputStride).Clear();
            return;
        }
        if (end - from < count)
        {
            for (var color = 0; color < 3; color++)
            {
                new Span<float>(to + color * InputStride, from).Clear();
                new Span<float>(to + color * InputStride + end, count - end).Clear();
            }
        }
        Correct(x + from, y, end - from, to + from);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Correct(int x, int y, int count, float* result)
    {
        float* r = Picture.Row(0, y) + x, g = Picture.Row(1, y) + x, b = Picture.Row(2, y) + x;
        Span<float> m = Picture.Matrix;
        var i = 0;
        for (; i <= count - TSimd.Count; i += TSimd.Count)
        {
            TVector red = TSimd.Load(r + i), green = TSimd.Load(g + i), blue = TSimd.Load(b + i);
            for (var color = 0; color < 3; color++)
            {
                var sum = TSimd.MultiplyAdd(green, TSimd.Create(m[3 * color + 1]), TSimd.Multiply(red, TSimd.Create(m[3 * color])));
                TSimd.Store(TSimd.MultiplyAdd(blue, TSimd.Create(m[3 * color + 2]), sum), result + color * InputStride + i);
            }
        }
        for (; i < count; i++)
        {
            for (var color = 0; color < 3; color++)
            {
                var sum = float.MultiplyAddEstimate(g[i], m[3 * color + 1], r[i] * m[3 * color]);
                result[color * InputStride + i] = float.MultiplyAddEstimate(b[i], m[3 * color + 2], sum);
            }
        }
        // The rows of the next block lie where no processor expects them.
        for (i = count; Sse.IsSupported && i < count + Columns; i += 64 / sizeof(float))
        {
            Sse.Prefetch0(r + i);
            Sse.Prefetch0(g + i);
            Sse.Prefetch0(b + i);
        }
    }
}
