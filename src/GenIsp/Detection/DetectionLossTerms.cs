using static TorchSharp.torch;

namespace GenIsp.Detection;

/// <summary>How far a detector is from finding what an image shows. The loss is the sum of both terms.</summary>
/// <param name="Classification">A scalar, float32: the focal loss.</param>
/// <param name="Boxes">A scalar, float32: the box loss, times its weight; 0 where there is no box.</param>
/// <param name="Positives">How many anchors or points stand for a box, in all images together.</param>
public sealed record DetectionLossTerms(Tensor Classification, Tensor Boxes, int Positives) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Classification.Dispose();
        Boxes.Dispose();
    }
}
