using System.Runtime.CompilerServices;

namespace GenIsp.Isp.Fused;

/// <summary>The features along the picture's edges, each with two zeros at either end: [length + 4, 16].</summary>
internal sealed unsafe class FeatureEdges(int width, int height) : IDisposable
{
    private const int Channels = ShallowWeights.First;

    /// <summary>The first row.</summary>
    public FeatureMap Top { get; } = new(Channels, width + 4, 1, border: 0);

    /// <summary>The last row.</summary>
    public FeatureMap Bottom { get; } = new(Channels, width + 4, 1, border: 0);

    /// <summary>The first column.</summary>
    public FeatureMap Left { get; } = new(Channels, height + 4, 1, border: 0);

    /// <summary>The last column.</summary>
    public FeatureMap Right { get; } = new(Channels, height + 4, 1, border: 0);

    /// <summary>Keeps what lies on an edge of these neighbouring pixels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Keep(float* features, int x, int y, int count)
    {
        if (y == 0)
            Copy(features, count, Top, x);
        if (y == height - 1)
            Copy(features, count, Bottom, x);
        if (x == 0)
            Copy(features, 1, Left, y);
        if (x + count == width)
            Copy(features + (count - 1) * Channels, 1, Right, y);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var edge in new[] { Top, Bottom, Left, Right })
            edge.Dispose();
    }

    private static void Copy(float* features, int count, FeatureMap edge, int at) =>
        new Span<float>(features, count * Channels).CopyTo(edge.Row(0)[((at + 2) * Channels)..]);
}
