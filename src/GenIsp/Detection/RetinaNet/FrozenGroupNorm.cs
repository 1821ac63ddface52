using static TorchSharp.torch;

namespace GenIsp.Detection.RetinaNet;

/// <summary>A GroupNorm (arXiv 1803.08494), then ReLU; statistics and arithmetic in float32, whatever the features are in.</summary>
/// <param name="weight">[C], float32; it stays the caller's.</param>
/// <param name="bias">[C], float32; it stays the caller's.</param>
internal sealed class FrozenGroupNorm(Tensor weight, Tensor bias)
{
    private const int Groups = 32;

    /// <param name="features">[N, C, H, W], channels-last.</param>
    /// <returns>The same in shape, dtype and layout.</returns>
    public Tensor ForwardWithRelu(Tensor features) => nn.functional.group_norm(features, Groups, weight, bias).relu_();
}
