using GenIsp.Isp.Kernels;
using static TorchSharp.torch;

namespace GenIsp.Detection.RetinaNet;

/// <summary>One of the two heads: four 3×3 convolutions and an output convolution, the same for every level.</summary>
internal sealed class RetinaNetHead
{
    private const int Layers = 4;

    private readonly FrozenConvolution[] _convolutions;
    private readonly FrozenGroupNorm?[] _norms;
    private readonly FrozenConvolution _output;
    private readonly int _valuesPerAnchor;

    /// <param name="weights">Where they are.</param>
    /// <param name="name">What torchvision calls the head.</param>
    /// <param name="outputName">And the last convolution.</param>
    /// <param name="valuesPerAnchor">The number of classes, or 4.</param>
    /// <param name="groupNorm">A GroupNorm(32) follows each convolution, which then has no bias (version 2).</param>
    public RetinaNetHead(RetinaNetWeights weights, string name, string outputName, int valuesPerAnchor, bool groupNorm)
    {
        const int Channels = FeaturePyramid.Channels;
        _valuesPerAnchor = valuesPerAnchor;
        string[] layers = [.. Enumerable.Range(0, Layers).Select(layer => $"head.{name}.conv.{layer}")];
        _convolutions = [.. layers.Select(layer => weights.Convolution($"{layer}.0", Channels, Channels, kernel: 3, bias: !groupNorm))];
        _norms = [.. layers.Select(layer => groupNorm ? weights.GroupNorm($"{layer}.1", Channels) : null)];
        _output = weights.Convolution($"head.{name}.{outputName}", Channels, Anchors.PerCell * valuesPerAnchor, kernel: 3);
    }

    /// <param name="levels">Each [N, 256, H, W], channels-last.</param>
    /// <returns>[N, A, values], A = Σ H · W · 9 in the order of the anchors, in the caller's dispose scope.</returns>
    public Tensor Forward(IReadOnlyList<Tensor> levels)
    {
        using var scope = NewDisposeScope();
        return cat([.. levels.Select(PerAnchor)], dim: 1).MoveToOuterDisposeScope();
    }

    private Tensor PerAnchor(Tensor level)
    {
        using var scope = NewDisposeScope();
        var features = level;
        foreach (var (convolution, norm) in _convolutions.Zip(_norms))
        {
            features = convolution.Forward(features, activation: norm is null ? Activation.Relu : default);
            if (norm is not null)
                features = norm.ForwardWithRelu(features);
        }
        // [N, 9 · values, H, W] → [N, H, W, 9 · values] → [N, H · W · 9, values]: in memory already so.
        var output = _output.Forward(features).permute(0, 2, 3, 1);
        return output.reshape(output.shape[0], -1, _valuesPerAnchor).MoveToOuterDisposeScope();
    }
}
