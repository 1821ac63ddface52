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

/// <summary>A point as it stands for boxes.</summary>
/// <param name="X">In pixels of the network's input.</param>
/// <param name="Y">Likewise.</param>
/// <param name="Stride">The distance of its neighbours.</param>
internal readonly record struct GridPoint(float X, float Y, float Stride);

/// <summary>The points of a detector without anchors: for each stride a grid over the network's input, row by row.</summary>
internal sealed class PointGrid : IDisposable
{
    /// <param name="width">Of the network's input.</param>
    /// <param name="height">Likewise.</param>
    /// <param name="strides">One grid each.</param>
    /// <param name="centre">Where in its cell, 0..1, the detector learned a point to stand for boxes.</param>
    public PointGrid(int width, int height, IReadOnlyList<int> strides, float centre)
    {
        var centres = new List<GridPoint>();
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
                    centres.Add(new GridPoint(x + centre * stride, y + centre * stride, stride));
                }
            }
        }
        Centres = [.. centres];
        Points = tensor(points, [strideOf.Count, 2], dtype: ScalarType.Float32).DetachFromDisposeScope();
        Strides = tensor(strideOf, dtype: ScalarType.Float32).DetachFromDisposeScope();
    }

    /// <summary>The same points as they stand for boxes.</summary>
    public GridPoint[] Centres { get; }

    /// <summary>[N, 2]: (column, row) · stride.</summary>
    public Tensor Points { get; private set; }

    /// <summary>[N].</summary>
    public Tensor Strides { get; private set; }

    /// <summary>How many points there are: the last row and column may be cut.</summary>
    public static long Count(int width, int height, IEnumerable<int> strides) =>
        strides.Sum(stride => (long)((width + stride - 1) / stride) * ((height + stride - 1) / stride));

    /// <summary>Moves the tensors to where the detector computes.</summary>
    public void MoveTo(Device device)
    {
        Points = Points.to(device, disposeAfter: true).DetachFromDisposeScope();
        Strides = Strides.to(device, disposeAfter: true).DetachFromDisposeScope();
    }

    public void Dispose()
    {
        Points.Dispose();
        Strides.Dispose();
    }
}
