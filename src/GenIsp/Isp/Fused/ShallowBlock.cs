using System.Runtime.CompilerServices;

namespace GenIsp.Isp.Fused;

/// <summary>
/// Blocks of the picture through the Shallow ConvNet, by one worker. Four rows at a time, and all that lies between input and output stays
/// in the cache.
/// </summary>
internal sealed unsafe class ShallowBlock<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <summary>Rows of a block: few enough for many cores, enough to make the two above and below cheap.</summary>
    public const int Rows = 32;

    private const int Channels = ShallowWeights.First;

    private readonly ShallowPass _pass;
    private readonly FeatureRows<TSimd, TVector> _rows;

    // Keeps alive what the pointers point to.
    private readonly Scratch _scratch;

    // Six rows of the first convolution; row y lies at (y + 6) mod 6.
    private readonly float* _features;
    private readonly float* _transformed;
    private readonly float* _products;
    private readonly float* _halves;

    // [3, 4 rows, 4 columns modulo 4, Tiles].
    private readonly float* _output;

    // 1 where a column lies in the picture, else 0: [4, Tiles].
    private readonly float* _mask;

    // [64, 2: sum and sum of squares] vectors.
    private readonly float* _sums;

    public ShallowBlock(ShallowPass pass)
    {
        _pass = pass;
        _rows = new FeatureRows<TSimd, TVector>(pass.Picture);
        int[] sizes =
        [
            6 * FeatureRows<TSimd, TVector>.Size, 36 * Channels * Tiles, 4 * 36 * Tiles, 4 * 36 * TSimd.Count, 3 * 16 * Tiles, 4 * Tiles,
            2 * ShallowWeights.Second * TSimd.Count,
        ];
        _scratch = new Scratch(sizes);
        _features = _scratch.Take(sizes[0]);
        _transformed = _scratch.Take(sizes[1]);
        _products = _scratch.Take(sizes[2]);
        _halves = _scratch.Take(sizes[3]);
        _output = _scratch.Take(sizes[4]);
        _mask = _scratch.Take(sizes[5]);
        _sums = _scratch.Take(sizes[6]);
    }

    /// <summary>Columns of a block.</summary>
    public static int Columns => 4 * Tiles;

    private static int Tiles => Winograd<TSimd, TVector>.Tiles;

    private float* Conv1 => Scratch.PointerTo(_pass.Conv1);

    private float* Start1 => Scratch.PointerTo(_pass.Start1);

    /// <summary>Sums of the first convolution without activation: [16, 2: sum and sum of squares].</summary>
    public void SumFirst(int x, int y, Span<double> sums)
    {
        var end = Begin(x, y);
        _rows.Start(x, y);
        for (var row = y; row < end; row++)
        {
            _rows.Compute(row, Conv1, Start1, 1, _features);
            for (var channel = 0; channel < Channels; channel++)
                AddRow(_features + channel * 4 * FeatureRows<TSimd, TVector>.Stride, _sums + 2 * channel * TSimd.Count);
        }
        Reduce(sums);
    }

    /// <summary>Sums of the second convolution without activation: [64, 2: sum and sum of squares].</summary>
    public void SumSecond(int x, int y, Span<double> sums)
    {
        var end = Begin(x, y);
        var isWhole = x + Columns <= _pass.Picture.Width;
        StartFeatures(x, y);
        for (var row = y; row < end; row += 4)
        {
            ComputeFeatures(row);
            for (var group = 0; group < ShallowWeights.Second / 4; group++)
            {
                Multiply(group);
                AddProducts(Math.Min(4, end - row), isWhole, _sums + group * 8 * TSimd.Count);
            }
        }
        Reduce(sums);
    }

    /// <summary>The block's pixels.</summary>
    /// <param name="x">Of the block's first column.</param>
    /// <param name="y">Of its first row.</param>
    /// <param name="output">[3, H, W].</param>
    public void Develop(int x, int y, float* output)
    {
        var end = Begin(x, y);
        StartFeatures(x, y);
        for (var row = y; row < end; row += 4)
        {
            ComputeFeatures(row);
            for (var color = 0; color < 3; color++)
                new Span<float>(_output + color * 16 * Tiles, 16 * Tiles).Fill(_pass.Start3[color]);
            for (var group = 0; group < ShallowWeights.Second / 4; group++)
            {
                Multiply(group);
                AddColors(Scratch.PointerTo(_pass.Conv3) + group * 12, _pass.Slope);
            }
            for (var inner = row; inner < Math.Min(end, row + 4); inner++)
                Write(x, inner, inner - row, output);
        }
    }

    private int Begin(int x, int y)
    {
        new Span<float>(_sums, 2 * ShallowWeights.Second * TSimd.Count).Clear();
        for (var column = 0; column < Columns; column++)
            _mask[column % 4 * Tiles + column / 4] = x + column < _pass.Picture.Width ? 1 : 0;
        return Math.Min(y + Rows, _pass.Picture.Height);
    }

    private int _nextFeature;

    private void StartFeatures(int x, int y)
    {
        _nextFeature = y - 1;
        _rows.Start(x - 1, Math.Max(0, y - 1));
    }

    // The six rows that four rows of the second convolution need, and their transforms.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ComputeFeatures(int y)
    {
        for (; _nextFeature <= y + 4; _nextFeature++)
        {
            var features = Feature(_nextFeature);
            if (_nextFeature < 0 || _nextFeature >= _pass.Picture.Height)
            {
                new Span<float>(features, FeatureRows<TSimd, TVector>.Size).Clear();
                continue;
            }
            _rows.Compute(_nextFeature, Conv1, Start1, _pass.Slope, features);
            _rows.Complete(_nextFeature, Conv1, Start1, _pass.Slope, features);
        }
        var rows = stackalloc float*[6];
        for (var channel = 0; channel < Channels; channel++)
        {
            for (var i = 0; i < 6; i++)
                rows[i] = Feature(y - 1 + i) + channel * 4 * FeatureRows<TSimd, TVector>.Stride;
            Winograd<TSimd, TVector>.TransformInput(
                rows, FeatureRows<TSimd, TVector>.Stride, _transformed + channel * Tiles, Channels * Tiles, _halves);
        }
    }

    private float* Feature(int y) => _features + (y + 6) % 6 * FeatureRows<TSimd, TVector>.Size;

    private void Multiply(int group) => Winograd<TSimd, TVector>.Multiply(
        _transformed, Scratch.PointerTo(_pass.Conv2) + group * 36 * Channels * 4, Scratch.PointerTo(_pass.Start2) + 4 * group, _products);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AddRow(float* row, float* sums)
    {
        TVector sum = TSimd.Load(sums), squares = TSimd.Load(sums + TSimd.Count);
        for (var column = 0; column < 4; column++)
        {
            for (var tile = 0; tile < Tiles; tile += TSimd.Count)
            {
                var value = TSimd.Multiply(
                    TSimd.Load(row + column * FeatureRows<TSimd, TVector>.Stride + tile), TSimd.Load(_mask + column * Tiles + tile));
                sum = TSimd.Add(sum, value);
                squares = TSimd.MultiplyAdd(value, value, squares);
            }
        }
        TSimd.Store(sum, sums);
        TSimd.Store(squares, sums + TSimd.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AddProducts(int rows, bool isWhole, float* sums)
    {
        var n = TSimd.Count;
        for (var channel = 0; channel < 4; channel++)
        {
            TVector sum = TSimd.Load(sums), squares = TSimd.Load(sums + n);
            for (var tile = 0; tile < Tiles; tile += n)
            {
                Winograd<TSimd, TVector>.TransformColumns(_products + channel * 36 * Tiles + tile, _halves);
                for (var row = 0; row < rows; row++)
                {
                    Winograd<TSimd, TVector>.TransformRow(_halves + row * 6 * n, out var a, out var b, out var c, out var d);
                    if (!isWhole)
                    {
                        a = TSimd.Multiply(a, TSimd.Load(_mask + tile));
                        b = TSimd.Multiply(b, TSimd.Load(_mask + Tiles + tile));
                        c = TSimd.Multiply(c, TSimd.Load(_mask + 2 * Tiles + tile));
                        d = TSimd.Multiply(d, TSimd.Load(_mask + 3 * Tiles + tile));
                    }
                    sum = TSimd.Add(sum, TSimd.Add(TSimd.Add(a, b), TSimd.Add(c, d)));
                    squares = TSimd.MultiplyAdd(b, b, TSimd.MultiplyAdd(a, a, squares));
                    squares = TSimd.MultiplyAdd(d, d, TSimd.MultiplyAdd(c, c, squares));
                }
            }
            TSimd.Store(sum, sums);
            TSimd.Store(squares, sums + n);
            sums += 2 * n;
        }
    }

    // LeakyReLU of four channels, and their share of the three colours.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AddColors(float* weights, float slope)
    {
        var n = TSimd.Count;
        var slopes = TSimd.Create(slope);
        for (var tile = 0; tile < Tiles; tile += n)
        {
            for (var channel = 0; channel < 4; channel++)
                Winograd<TSimd, TVector>.TransformColumns(_products + channel * 36 * Tiles + tile, _halves + channel * 24 * n);
            for (var row = 0; row < 4; row++)
            {
                float* red = _output + row * 4 * Tiles + tile, green = red + 16 * Tiles, blue = green + 16 * Tiles;
                TVector r0 = TSimd.Load(red), r1 = TSimd.Load(red + Tiles);
                TVector r2 = TSimd.Load(red + 2 * Tiles), r3 = TSimd.Load(red + 3 * Tiles);
                TVector g0 = TSimd.Load(green), g1 = TSimd.Load(green + Tiles);
                TVector g2 = TSimd.Load(green + 2 * Tiles), g3 = TSimd.Load(green + 3 * Tiles);
                TVector b0 = TSimd.Load(blue), b1 = TSimd.Load(blue + Tiles);
                TVector b2 = TSimd.Load(blue + 2 * Tiles), b3 = TSimd.Load(blue + 3 * Tiles);
                for (var channel = 0; channel < 4; channel++)
                {
                    Winograd<TSimd, TVector>.TransformRow(
                        _halves + (channel * 24 + row * 6) * n, out var p0, out var p1, out var p2, out var p3);
                    p0 = TSimd.LeakyRelu(p0, slopes);
                    p1 = TSimd.LeakyRelu(p1, slopes);
                    p2 = TSimd.LeakyRelu(p2, slopes);
                    p3 = TSimd.LeakyRelu(p3, slopes);
                    var w = TSimd.Create(weights[3 * channel]);
                    r0 = TSimd.MultiplyAdd(p0, w, r0);
                    r1 = TSimd.MultiplyAdd(p1, w, r1);
                    r2 = TSimd.MultiplyAdd(p2, w, r2);
                    r3 = TSimd.MultiplyAdd(p3, w, r3);
                    w = TSimd.Create(weights[3 * channel + 1]);
                    g0 = TSimd.MultiplyAdd(p0, w, g0);
                    g1 = TSimd.MultiplyAdd(p1, w, g1);
                    g2 = TSimd.MultiplyAdd(p2, w, g2);
                    g3 = TSimd.MultiplyAdd(p3, w, g3);
                    w = TSimd.Create(weights[3 * channel + 2]);
                    b0 = TSimd.MultiplyAdd(p0, w, b0);
                    b1 = TSimd.MultiplyAdd(p1, w, b1);
                    b2 = TSimd.MultiplyAdd(p2, w, b2);
                    b3 = TSimd.MultiplyAdd(p3, w, b3);
                }
                Store(r0, r1, r2, r3, red);
                Store(g0, g1, g2, g3, green);
                Store(b0, b1, b2, b3, blue);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(TVector a, TVector b, TVector c, TVector d, float* to)
    {
        TSimd.Store(a, to);
        TSimd.Store(b, to + Tiles);
        TSimd.Store(c, to + 2 * Tiles);
        TSimd.Store(d, to + 3 * Tiles);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Write(int x, int y, int row, float* output)
    {
        var count = Math.Min(Columns, _pass.Picture.Width - x);
        for (var color = 0; color < 3; color++)
        {
            var to = output + color * _pass.Picture.Plane + (nint)y * _pass.Picture.Width + x;
            var from = _output + (color * 4 + row) * 4 * Tiles;
            for (var column = 0; column < count; column++)
                to[column] = from[(column & 3) * Tiles + (column >> 2)];
        }
    }

    private void Reduce(Span<double> sums)
    {
        for (var i = 0; i < sums.Length; i++)
            sums[i] = TSimd.Sum(TSimd.Load(_sums + i * TSimd.Count));
    }
}
