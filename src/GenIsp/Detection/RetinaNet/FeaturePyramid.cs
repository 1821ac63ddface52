using TorchSharp.Modules;
using static TorchSharp.torch;

namespace GenIsp.Detection.RetinaNet;

/// <summary>
/// The feature pyramid (arXiv 1612.03144) over C3..C5, with RetinaNet's P6 and P7 on top: five maps of 256 channels at strides 8 to 128.
/// </summary>
internal sealed class FeaturePyramid : NamedModule<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>>
{
    public const int Channels = 256;

    private static readonly int[] InputChannels = [512, 1024, 2048];

    private readonly List<Sequential> _innerBlocks;
    private readonly List<Sequential> _layerBlocks;
    private readonly Conv2d _p6;
    private readonly Conv2d _p7;
    private readonly bool _p6FromC5;

    /// <param name="p6FromC5">P6 is computed from C5 (version 2), not from P5 (version 1).</param>
    public FeaturePyramid(bool p6FromC5) : base(nameof(FeaturePyramid))
    {
        _p6FromC5 = p6FromC5;
        _innerBlocks = [.. InputChannels.Select(channels => nn.Sequential(("0", nn.Conv2d(channels, Channels, kernel_size: 1))))];
        _layerBlocks = [.. InputChannels.Select(_ => nn.Sequential(("0", nn.Conv2d(Channels, Channels, kernel_size: 3, padding: 1))))];
        _p6 = nn.Conv2d(p6FromC5 ? InputChannels[^1] : Channels, Channels, kernel_size: 3, stride: 2, padding: 1);
        _p7 = nn.Conv2d(Channels, Channels, kernel_size: 3, stride: 2, padding: 1);
        Register("inner_blocks", nn.ModuleList([.. _innerBlocks]));
        Register("layer_blocks", nn.ModuleList([.. _layerBlocks]));
        Register("extra_blocks", nn.ModuleDict(("p6", _p6), ("p7", _p7)));
    }

    public override IReadOnlyList<Tensor> forward(IReadOnlyList<Tensor> features)
    {
        using var scope = NewDisposeScope();
        var inner = _innerBlocks[^1].forward(features[^1]);
        var levels = new LinkedList<Tensor>([_layerBlocks[^1].forward(inner)]);
        for (var i = features.Count - 2; i >= 0; i--)
        {
            var lateral = _innerBlocks[i].forward(features[i]);
            var topDown = nn.functional.interpolate(inner, lateral.shape[2..], mode: InterpolationMode.Nearest);
            inner = lateral.PlusInPlace(topDown);
            levels.AddFirst(_layerBlocks[i].forward(inner));
        }
        var p6 = _p6.forward(_p6FromC5 ? features[^1] : levels.Last!.Value);
        var p7 = _p7.forward(nn.functional.relu(p6));
        return [.. levels.Append(p6).Append(p7).Select(level => level.MoveToOuterDisposeScope())];
    }
}
