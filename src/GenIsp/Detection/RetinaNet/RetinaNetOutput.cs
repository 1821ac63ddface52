using GenIsp.Geometry;
using static TorchSharp.torch;

namespace GenIsp.Detection.RetinaNet;

/// <summary>
/// What the heads say of every anchor of a batch. Anchors stand level by level (P3 to P7), row by row, cell by cell, nine a cell.
/// </summary>
/// <param name="ClassLogits">[N, A, C], float32: a logit a class, of which class 0 is unused.</param>
/// <param name="BoxRegression">[N, A, 4], float32: dx, dy, dw, dh from the anchor to its box.</param>
/// <param name="Anchors">A of them, in pixels of the padded batch.</param>
/// <param name="AnchorsPerLevel">How many of the A belong to each of the five levels.</param>
public sealed record RetinaNetOutput(
    Tensor ClassLogits, Tensor BoxRegression, ReadOnlyMemory<Box> Anchors, IReadOnlyList<int> AnchorsPerLevel) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        ClassLogits.Dispose();
        BoxRegression.Dispose();
    }
}
