using static TorchSharp.torch;

namespace GenIsp.Detection.RetinaNet;

/// <summary>
/// The feature pyramid (arXiv 1612.03144) over C3..C5, with RetinaNet's P6 and P7 on top: five maps of 256 channels at strides 8 to 128.
/// </summary>
internal sealed class FeaturePyramid
{
    public const int Channels = 256;

    private const string Name = "backbone.fpn";

    private static readonly int[] InputChannels = [512, 1024, 2048];

    private readonly FrozenConvolution[] _inner;
    private readonly FrozenConvolution[] _layer;
    private readonly FrozenConvolution _p6;
    private readonly FrozenConvolution _p7;
    private readonly bool _p6FromC5;

    /// <param name="weights">Where they are.</param>
    /// <param name="p6FromC5">P6 is computed from C5 (version 2), not from P5 (version 1).</param>
    public FeaturePyramid(RetinaNetWeights weights, bool p6FromC5)
    {
        _p6FromC5 = p6FromC5;
        _inner = [.. InputChannels.Select(
            (channels, i) => weights.Convolution($"{Name}.inner_blocks.{i}.0", channels, Channels, kernel: 1))];
        _layer = [.. InputChannels.Select((_, i) => weights.Convolution($"{Name}.layer_blocks.{i}.0", Channels, Channels, kernel: 3))];
        _p6 = weights.Convolution($"{Name}.extra_blocks.p6", p6FromC5 ? InputChannels[^1] : Channels, Channels, kernel: 3, stride: 2);
        _p7 = weights.Convolution($"{Name}.extra_blocks.p7", Channels, Channels, kernel: 3, stride: 2);
    }

    /// <param name="features">C3 to C5, each [N, C, H, W], channels-last.</param>
    /// <returns>P3 to P7, in the caller's dispose scope, channels-last.</returns>
    public IReadOnlyList<Tensor> Forward(IReadOnlyList<Tensor> features)
    {
        using var scope = NewDisposeScope();
        var inner = _inner[^1].Forward(features[^1]);
        var levels = new LinkedList<Tensor>([_layer[^1].Forward(inner)]);
        for (var i = features.Count - 2; i >= 0; i--)
        {
            var topDown = nn.functional.interpolate(inner, features[i].shape[2..], mode: InterpolationMode.Nearest);
            inner = _inner[i].Forward(features[i], addend: topDown);
            levels.AddFirst(_layer[i].Forward(inner));
        }
        var p6 = _p6.Forward(_p6FromC5 ? features[^1] : levels.Last!.Value);
        var p7 = _p7.Forward(nn.functional.relu(p6));
        return [.. levels.Append(p6).Append(p7).Select(level => level.MoveToOuterDisposeScope())];
    }
}
