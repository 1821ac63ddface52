using static TorchSharp.torch;

namespace GenIsp.Detection.RetinaNet;

/// <summary>Images as the network takes them: normalised, resized, and padded to one size.</summary>
/// <param name="Images">[N, 3, H, W], float32; H and W are multiples of 32; zero to the right of and below each image.</param>
/// <param name="Sizes">Each image's own size within the batch, without the padding.</param>
public sealed record RetinaNetBatch(Tensor Images, IReadOnlyList<(int Height, int Width)> Sizes) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose() => Images.Dispose();
}
