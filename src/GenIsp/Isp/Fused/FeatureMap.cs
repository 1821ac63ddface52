using System.Runtime.CompilerServices;

namespace GenIsp.Isp.Fused;

/// <summary>Features with a border of zeros, for a convolution that keeps their size; channels lie side by side.</summary>
internal sealed unsafe class FeatureMap : IDisposable
{
    // Products may read, and never write, a few pixels beyond the last.
    private const int Slack = 16;

    private readonly Scratch _scratch;
    private readonly int _channels;
    private readonly int _border;

    /// <param name="channels">Channels.</param>
    /// <param name="width">Columns.</param>
    /// <param name="height">Rows.</param>
    /// <param name="border">Zeros on every side.</param>
    public FeatureMap(int channels, int width, int height, int border)
    {
        (_channels, Width, Height, _border) = (channels, width, height, border);
        Stride = (width + 2 * border) * channels;
        var size = (height + 2 * border) * Stride + Slack * channels;
        _scratch = new Scratch(size);
        Values = _scratch.Take(size);
        new Span<float>(Values, size).Clear();
    }

    /// <summary>Columns without the border.</summary>
    public int Width { get; }

    /// <summary>Rows without the border.</summary>
    public int Height { get; }

    /// <summary>From one row to the next.</summary>
    public int Stride { get; }

    /// <summary>[rows, columns, channels].</summary>
    public float* Values { get; }

    /// <summary>A row without its border: [columns, channels].</summary>
    public Span<float> Row(int y) => new(Values + (y + _border) * Stride + _border * _channels, Width * _channels);

    /// <inheritdoc/>
    public void Dispose() => _scratch.Dispose();

    /// <summary>The mean of each channel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public double[] Means()
    {
        var sums = new double[_channels];
        for (var y = 0; y < Height; y++)
        {
            var row = Row(y);
            for (var x = 0; x < row.Length; x += _channels)
            {
                for (var channel = 0; channel < sums.Length; channel++)
                    sums[channel] += row[x + channel];
            }
        }
        for (var channel = 0; channel < sums.Length; channel++)
            sums[channel] /= (double)Width * Height;
        return sums;
    }
}
