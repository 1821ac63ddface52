using System.Runtime.CompilerServices;

namespace GenIsp.Isp.Fused;

/// <summary>The last pass: strips of the picture, by one worker. All that lies between input and output stays in the cache.</summary>
internal sealed unsafe class PictureStrip<TSimd, TVector> : IDisposable
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    private const int Inputs = ShallowWeights.First;
    private const int Outputs = ShallowWeights.Second;
    private const int Columns = FeatureBlock<TSimd, TVector>.Columns;
    private const int Tiles = Columns / 4;

    private readonly ShallowPass _pass;
    private readonly FeatureBlock<TSimd, TVector> _features;

    private readonly Scratch _scratch;

    private readonly float* _halves;
    private readonly float* _transformed;
    private readonly float* _products;

    // [64 channels, in vectors][4, 6] vectors.
    private readonly float* _columns;

    // Colours of as many tiles as make a vector of pixels: [tiles, 4 rows, 3] vectors, each with four pixels' sums in parts.
    private readonly float* _colors;

    public PictureStrip(ShallowPass pass)
    {
        _pass = pass;
        _features = new FeatureBlock<TSimd, TVector>(pass, new Margins(1, 1, 1, 1), pass.Slope);
        int[] sizes = [6 * (Columns + 2) * Inputs, Tiles * 36 * Inputs, Tiles * 36 * Outputs, 24 * Outputs, 3 * TSimd.Count * TSimd.Count];
        _scratch = new Scratch(sizes);
        _halves = _scratch.Take(sizes[0]);
        _transformed = _scratch.Take(sizes[1]);
        _products = _scratch.Take(sizes[2]);
        _columns = _scratch.Take(sizes[3]);
        _colors = _scratch.Take(sizes[4]);
    }

    /// <summary>The strip's pixels.</summary>
    /// <param name="y">Of its first row.</param>
    /// <param name="output">[3, H, W].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Develop(int y, float* output)
    {
        var (width, rows) = (_pass.Picture.Width, _features.StartStrip(y));
        for (var x = 0; x < width; x += Columns)
        {
            if (x > 0)
                _features.Next();
            for (var row = 0; row < rows; row += 4)
            {
                _features.Need(row + 6);
                Winograd<TSimd, TVector>.TransformInput(_features.Row(row), _features.Stride, Tiles, _halves, _transformed);
                Winograd<TSimd, TVector>.Multiply(
                    _transformed, Tiles, Scratch.PointerTo(_pass.Conv2), Scratch.PointerTo(_pass.Start2), _products);
                Write(x, y + row, Math.Min(4, rows - row), output);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _features.Dispose();
        _scratch.Dispose();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Write(int x, int y, int rows, float* output)
    {
        var n = TSimd.Count;
        var end = Math.Min(Columns, _pass.Picture.Width - x);
        var colors = stackalloc float[n];
        for (var column = 0; column < end; column += n)
        {
            for (var tile = 0; tile < n / 4; tile++)
                AddColors(_products + (column / 4 + tile) * 36 * Outputs, Scratch.PointerTo(_pass.Conv3), _colors + tile * 12 * n);
            for (var row = 0; row < rows; row++)
            {
                for (var color = 0; color < 3; color++)
                {
                    var parts = _colors + (3 * row + color) * n;
                    var sum = TSimd.Load(parts);
                    if (n > 4)
                        sum = TSimd.MergeSums(sum, TSimd.Load(parts + 12 * n), 4);
                    if (n > 8)
                        sum = TSimd.MergeSums(sum, TSimd.MergeSums(TSimd.Load(parts + 24 * n), TSimd.Load(parts + 36 * n), 4), 8);
                    sum = TSimd.Add(sum, TSimd.Create(_pass.Start3[color]));
                    var to = output + color * _pass.Picture.Plane + (nint)(y + row) * _pass.Picture.Width + x + column;
                    if (column + n <= end)
                    {
                        TSimd.Store(sum, to);
                        continue;
                    }
                    TSimd.Store(sum, colors);
                    new Span<float>(colors, end - column).CopyTo(new Span<float>(to, end - column));
                }
            }
        }
    }

    // LeakyReLU of a tile's 64 channels, and their share of the three colours.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AddColors(float* products, float* weights, float* result)
    {
        var n = TSimd.Count;
        var slopes = TSimd.Create(_pass.Slope);
        for (var channel = 0; channel < Outputs; channel += n)
            Winograd<TSimd, TVector>.TransformColumns(products + channel, Outputs, _columns + 24 * channel);
        for (var row = 0; row < 4; row++)
        {
            TVector r0 = default, r1 = default, r2 = default, r3 = default;
            TVector g0 = default, g1 = default, g2 = default, g3 = default;
            TVector b0 = default, b1 = default, b2 = default, b3 = default;
            for (var channel = 0; channel < Outputs; channel += n)
            {
                Winograd<TSimd, TVector>.TransformRow(
                    _columns + 24 * channel + row * 6 * n, out var p0, out var p1, out var p2, out var p3);
                p0 = TSimd.LeakyRelu(p0, slopes);
                p1 = TSimd.LeakyRelu(p1, slopes);
                p2 = TSimd.LeakyRelu(p2, slopes);
                p3 = TSimd.LeakyRelu(p3, slopes);
                var w = TSimd.Load(weights + channel);
                r0 = TSimd.MultiplyAdd(p0, w, r0);
                r1 = TSimd.MultiplyAdd(p1, w, r1);
                r2 = TSimd.MultiplyAdd(p2, w, r2);
                r3 = TSimd.MultiplyAdd(p3, w, r3);
                w = TSimd.Load(weights + Outputs + channel);
                g0 = TSimd.MultiplyAdd(p0, w, g0);
                g1 = TSimd.MultiplyAdd(p1, w, g1);
                g2 = TSimd.MultiplyAdd(p2, w, g2);
                g3 = TSimd.MultiplyAdd(p3, w, g3);
                w = TSimd.Load(weights + 2 * Outputs + channel);
                b0 = TSimd.MultiplyAdd(p0, w, b0);
                b1 = TSimd.MultiplyAdd(p1, w, b1);
                b2 = TSimd.MultiplyAdd(p2, w, b2);
                b3 = TSimd.MultiplyAdd(p3, w, b3);
            }
            Merge(r0, r1, r2, r3, result);
            Merge(g0, g1, g2, g3, result + n);
            Merge(b0, b1, b2, b3, result + 2 * n);
            result += 3 * n;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Merge(TVector a, TVector b, TVector c, TVector d, float* to) =>
        TSimd.Store(TSimd.MergeSums(TSimd.MergeSums(a, b, 1), TSimd.MergeSums(c, d, 1), 2), to);
}
