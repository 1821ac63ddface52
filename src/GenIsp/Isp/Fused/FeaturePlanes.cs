namespace GenIsp.Isp.Fused;

/// <summary>Channels of numbers with a border of zeros, for a convolution that keeps their size. Allocated pinned.</summary>
internal sealed class FeaturePlanes
{
    // Rows may be read, and never written, a block of the widest vectors beyond their end.
    private const int Slack = 3 * 16;

    /// <param name="channels">Channels.</param>
    /// <param name="width">Columns.</param>
    /// <param name="height">Rows.</param>
    /// <param name="border">Zeros on every side.</param>
    public FeaturePlanes(int channels, int width, int height, int border)
    {
        (Channels, Width, Height, Border) = (channels, width, height, border);
        Stride = width + 2 * border + Slack;
        Values = GC.AllocateArray<float>(channels * (height + 2 * border) * Stride, pinned: true);
    }

    /// <summary>Channels.</summary>
    public int Channels { get; }

    /// <summary>Columns without the border.</summary>
    public int Width { get; }

    /// <summary>Rows without the border.</summary>
    public int Height { get; }

    /// <summary>Zeros on every side.</summary>
    public int Border { get; }

    /// <summary>From one row to the next.</summary>
    public int Stride { get; }

    /// <summary>[channels, rows, stride].</summary>
    public float[] Values { get; }

    /// <summary>A row without its border.</summary>
    public Span<float> Row(int channel, int y) =>
        Values.AsSpan((channel * (Height + 2 * Border) + y + Border) * Stride + Border, Width);
}
