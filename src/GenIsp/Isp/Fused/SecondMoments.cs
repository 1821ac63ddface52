using System.Runtime.CompilerServices;

namespace GenIsp.Isp.Fused;

/// <summary>
/// The second pass: how the first convolution's features go together, of which <see cref="SecondSums"/> makes the second's mean and
/// variance without computing it. Strips of the picture, by one worker.
/// </summary>
internal sealed unsafe class SecondMoments<TSimd, TVector> : IDisposable
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    private const int Channels = ShallowWeights.First;
    private const int Columns = FeatureBlock<TSimd, TVector>.Columns;

    // Side by side, and two rows of them: more products for each load and store of the sums.
    private const int Across = Columns / 4;
    private const int Tiles = 2 * Across;

    // The sum over a tile is its value at the point (1, 1): place 1 · 8 + 1 of the 48.
    private const int Everywhere = 9;

    // 16 rows, and what Products rounds them up to.
    private const int MomentStep = 18 * Channels;

    private readonly ShallowPass _pass;
    private readonly FeatureEdges _edges;
    private readonly FeatureBlock<TSimd, TVector> _features;
    private readonly int[] _offsets = GC.AllocateUninitializedArray<int>(Tiles, pinned: true);

    private readonly Scratch _scratch;

    private readonly float* _halves;
    private readonly float* _tiles;
    private readonly float* _surroundings;

    // [48, MomentStep].
    private readonly float* _moments;

    public SecondMoments(ShallowPass pass, FeatureEdges edges)
    {
        (_pass, _edges) = (pass, edges);
        _features = new FeatureBlock<TSimd, TVector>(pass, new Margins(2, 2, 0, 2), pass.Slope);
        const int Values = SecondSums.Points * Tiles * Channels;
        // Products reads a little more than sixteen rows.
        int[] sizes = [6 * (Columns + 4) * Channels, Values + Channels, Values, SecondSums.Points * MomentStep];
        _scratch = new Scratch(sizes);
        _halves = _scratch.Take(sizes[0]);
        _tiles = _scratch.Take(sizes[1]);
        _surroundings = _scratch.Take(sizes[2]);
        _moments = _scratch.Take(sizes[3]);
        for (var i = 0; i < Tiles; i++)
            _offsets[i] = i * Channels;
    }

    /// <summary>A strip's share.</summary>
    /// <param name="y">Its first row.</param>
    /// <param name="result">[48, 16, 16]: at each point, Σ tile · surroundings over the tiles; then [16]: the features' sums.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run(int y, float* result)
    {
        var (width, rows) = (_pass.Picture.Width, _features.StartStrip(y));
        var sums = result + SecondSums.Points * SecondSums.Pairs;
        new Span<float>(_moments, SecondSums.Points * MomentStep).Clear();
        new Span<float>(sums, Channels).Clear();
        for (var x = 0; x < width; x += Columns)
        {
            if (x > 0)
                _features.Next();
            for (var row = 0; row < rows; row += 8)
            {
                _features.Need(row + 10);
                Add(row, sums);
            }
            for (var row = 0; row < rows; row++)
                _edges.Keep(_features.Row(row) + 2 * Channels, x, y + row, Math.Min(Columns, width - x));
        }
        for (var point = 0; point < SecondSums.Points; point++)
        {
            new Span<float>(_moments + point * MomentStep, SecondSums.Pairs)
                .CopyTo(new Span<float>(result + point * SecondSums.Pairs, SecondSums.Pairs));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _features.Dispose();
        _scratch.Dispose();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Add(int row, float* sums)
    {
        var stride = _features.Stride;
        for (var i = 0; i < 2; i++)
        {
            float* rows = _features.Row(row + 4 * i), surroundings = _surroundings + i * Across * Channels;
            Correlation<TSimd, TVector>.TransformSurroundings(rows, stride, Across, _halves, surroundings, Tiles * Channels);
            Correlation<TSimd, TVector>.TransformTiles(
                rows + 2 * Channels, stride, Across, _halves, _tiles + i * Across * Channels, Tiles * Channels);
        }
        for (var point = 0; point < SecondSums.Points; point++)
        {
            var values = point * Tiles * Channels;
            var moments = _moments + point * MomentStep;
            Products<TSimd, TVector>.Run(
                _tiles + values, 1, Channels, Scratch.PointerTo(_offsets), Tiles, _surroundings + values, Channels, moments, 1,
                moments, Channels, Channels);
        }
        for (var channel = 0; channel < Channels; channel += TSimd.Count)
        {
            var sum = TSimd.Load(sums + channel);
            for (var tile = 0; tile < Tiles; tile++)
                sum = TSimd.Add(sum, TSimd.Load(_tiles + (Everywhere * Tiles + tile) * Channels + channel));
            TSimd.Store(sum, sums + channel);
        }
    }
}
