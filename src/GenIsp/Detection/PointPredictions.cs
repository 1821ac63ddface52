using GenIsp.Geometry;
using static TorchSharp.torch;

namespace GenIsp.Detection;

/// <summary>
/// What a detector says at every point of its grids, before any is left out. All but the points carry a gradient to the image. In
/// pixels of the network's input; N points, C classes.
/// </summary>
/// <param name="Raw">[N, K]: the file's own output.</param>
/// <param name="Scores">[N, C]: the probability of each class, 0..1.</param>
/// <param name="Boxes">[N, 4]: x1, y1, x2, y2; they may reach beyond the input.</param>
/// <param name="Points">[N, 2]: x, y of the point that a box is told from. No gradient.</param>
/// <param name="Strides">[N]: the distance of that point's neighbours. No gradient.</param>
/// <param name="Frame">From the network's input to the image.</param>
internal sealed record PointPredictions(
    Tensor Raw, Tensor Scores, Tensor Boxes, Tensor Points, Tensor Strides, Frame Frame);

/// <summary>The points of a detector without anchors: for each stride a grid over the network's input, row by row.</summary>
internal sealed class PointGrid : IDisposable
{
    public PointGrid(int width, int height, IReadOnlyList<int> strides)
    {
        var points = new List<float>();
        var strideOf = new List<float>();
        foreach (var stride in strides)
        {
            for (var y = 0; y < height; y += stride)
            {
                for (var x = 0; x < width; x += stride)
                {
                    points.AddRange([x, y]);
                    strideOf.Add(stride);
                }
            }
        }
        Points = tensor(points, [strideOf.Count, 2], dtype: ScalarType.Float32).DetachFromDisposeScope();
        Strides = tensor(strideOf, dtype: ScalarType.Float32).DetachFromDisposeScope();
    }

    /// <summary>[N, 2]: (column, row) · stride.</summary>
    public Tensor Points { get; }

    /// <summary>[N].</summary>
    public Tensor Strides { get; }

    /// <summary>How many points there are: the last row and column may be cut.</summary>
    public static long Count(int width, int height, IEnumerable<int> strides) =>
        strides.Sum(stride => (long)((width + stride - 1) / stride) * ((height + stride - 1) / stride));

    public void Dispose()
    {
        Points.Dispose();
        Strides.Dispose();
    }
}
