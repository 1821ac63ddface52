using System.Runtime.CompilerServices;

namespace GenIsp.Isp.Fused;

/// <summary>The first pass: sums of the first convolution without activation, by one worker.</summary>
internal sealed unsafe class FirstSums<TSimd, TVector>(ShallowPass pass) : IDisposable
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    private const int Channels = ShallowWeights.First;
    private const int Columns = FeatureBlock<TSimd, TVector>.Columns;

    private readonly FeatureBlock<TSimd, TVector> _features = new(pass, new Margins(0, 0, 0, 0), 1);

    /// <summary>A strip's: [2: sum and sum of squares, 16].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run(int y, Span<double> sums)
    {
        var rows = _features.StartStrip(y);
        var block = stackalloc float[2 * Channels];
        for (var x = 0; x < pass.Picture.Width; x += Columns)
        {
            if (x > 0)
                _features.Next();
            _features.Need(rows);
            Add(rows, block);
            for (var i = 0; i < sums.Length; i++)
                sums[i] += block[i];
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _features.Dispose();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Add(int rows, float* sums)
    {
        for (var channel = 0; channel < Channels; channel += TSimd.Count)
        {
            TVector sum0 = default, sum1 = default, squares0 = default, squares1 = default;
            for (var row = 0; row < rows; row++)
            {
                var from = _features.Row(row) + channel;
                for (var column = 0; column < Columns; column += 2)
                {
                    TVector a = TSimd.Load(from + column * Channels), b = TSimd.Load(from + (column + 1) * Channels);
                    (sum0, sum1) = (TSimd.Add(sum0, a), TSimd.Add(sum1, b));
                    (squares0, squares1) = (TSimd.MultiplyAdd(a, a, squares0), TSimd.MultiplyAdd(b, b, squares1));
                }
            }
            TSimd.Store(TSimd.Add(sum0, sum1), sums + channel);
            TSimd.Store(TSimd.Add(squares0, squares1), sums + Channels + channel);
        }
    }
}
