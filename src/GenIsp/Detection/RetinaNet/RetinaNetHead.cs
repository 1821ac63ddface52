using TorchSharp.Modules;
using static TorchSharp.torch;

namespace GenIsp.Detection.RetinaNet;

/// <summary>One of the two heads: four 3×3 convolutions and an output convolution, the same for every level.</summary>
internal sealed class RetinaNetHead : NamedModule<IReadOnlyList<Tensor>, Tensor>
{
    private const int Groups = 32;

    private readonly Sequential _conv;
    private readonly Conv2d _output;
    private readonly int _valuesPerAnchor;

    /// <param name="outputName">What torchvision calls the last convolution.</param>
    /// <param name="valuesPerAnchor">The number of classes, or 4.</param>
    /// <param name="groupNorm">A GroupNorm(32) follows each convolution, which then has no bias (version 2).</param>
    public RetinaNetHead(string outputName, int valuesPerAnchor, bool groupNorm) : base(nameof(RetinaNetHead))
    {
        const int Channels = FeaturePyramid.Channels;
        _valuesPerAnchor = valuesPerAnchor;
        _conv = Register("conv", nn.Sequential(
            Enumerable.Range(0, 4).Select(layer => ($"{layer}", (nn.Module<Tensor, Tensor>)Layer(Channels, groupNorm)))));
        _output = Register(
            outputName, nn.Conv2d(Channels, Anchors.PerCell * valuesPerAnchor, kernel_size: 3, padding: 1));
    }

    /// <param name="levels">Each [N, 256, H, W].</param>
    /// <returns>[N, A, values], A = Σ H · W · 9 in the order of the anchors.</returns>
    public override Tensor forward(IReadOnlyList<Tensor> levels)
    {
        using var scope = NewDisposeScope();
        return cat([.. levels.Select(PerAnchor)], dim: 1).MoveToOuterDisposeScope();
    }

    private static Sequential Layer(int channels, bool groupNorm)
    {
        var convolution = nn.Conv2d(channels, channels, kernel_size: 3, padding: 1, bias: !groupNorm);
        return groupNorm
            ? nn.Sequential(("0", convolution), ("1", nn.GroupNorm(Groups, channels)), ("2", nn.ReLU(inplace: true)))
            : nn.Sequential(("0", convolution), ("1", nn.ReLU(inplace: true)));
    }

    private Tensor PerAnchor(Tensor level)
    {
        using var scope = NewDisposeScope();
        // [N, 9 · values, H, W] → [N, 9, values, H, W] → [N, H, W, 9, values] → [N, H · W · 9, values]
        var output = _output.forward(_conv.forward(level));
        var (images, height, width) = (output.shape[0], output.shape[2], output.shape[3]);
        return output.view(images, Anchors.PerCell, _valuesPerAnchor, height, width)
            .permute(0, 3, 4, 1, 2)
            .reshape(images, height * width * Anchors.PerCell, _valuesPerAnchor)
            .MoveToOuterDisposeScope();
    }
}
