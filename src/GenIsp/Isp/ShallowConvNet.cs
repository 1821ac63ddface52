using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace GenIsp.Isp;

/// <summary>
/// Local, non-linear enhancement at full size (GenISP, figure 3): 3×3 #16, 3×3 #64, each with InstanceNorm and LeakyReLU, then 1×1 #3.
/// </summary>
internal sealed class ShallowConvNet : Module<Tensor, Tensor, Tensor>
{
    [ComponentName(Name = "conv1")]
    private readonly Conv2d _conv1 = Conv2d(3, 16, kernel_size: 3, padding: 1);

    [ComponentName(Name = "conv2")]
    private readonly Conv2d _conv2 = Conv2d(16, 64, kernel_size: 3, padding: 1);

    [ComponentName(Name = "conv3")]
    private readonly Conv2d _conv3 = Conv2d(64, 3, kernel_size: 1);

    // Only where the options ask for it.
    [ComponentName(Name = "norm1")]
    private readonly InstanceNorm2d? _norm1;

    [ComponentName(Name = "norm2")]
    private readonly InstanceNorm2d? _norm2;

    private readonly GenIspOptions _options;

    public ShallowConvNet(string name, GenIspOptions options)
        : base(name)
    {
        _options = options;
        if (options.Normalization == FeatureNormalization.Affine)
        {
            _norm1 = InstanceNorm2d(16, eps: GenIspOptions.NormEpsilon, affine: true);
            _norm2 = InstanceNorm2d(64, eps: GenIspOptions.NormEpsilon, affine: true);
        }
        RegisterComponents();
    }

    /// <summary>The network, on the picture with other colours: no activation at the end.</summary>
    /// <param name="image">[N, 3, H, W].</param>
    /// <param name="colors">[N, 3, 3]: what becomes of the colours of each picture.</param>
    /// <returns>[N, 3, H, W].</returns>
    public override Tensor forward(Tensor image, Tensor colors)
    {
        using var scope = NewDisposeScope();
        var features = Convolve(Activate(Recolor(image, colors), _norm1));
        var output = IsFused(features)
            ? NormActivationProjection.Apply(features, _conv3.weight, _conv3.bias!, _options.NegativeSlope, GenIspOptions.NormEpsilon)
            : _conv3.forward(Activate(features, _norm2));
        return (_options.Skip ? output.Plus(colors.bmm(image.flatten(2)).view_as(image)) : output).MoveToOuterDisposeScope();
    }

    // The first convolution takes other colours as other weights: fewer numbers to multiply, and to find the gradient of.
    private Tensor Recolor(Tensor image, Tensor colors)
    {
        var weight = _conv1.weight.permute(0, 2, 3, 1);
        return TrainedConvolution.ApplyToEach(image, picture => weight.matmul(colors[picture]).permute(0, 3, 1, 2), _conv1.bias!);
    }

    // By tiles, in which what is no number spreads further: with InstanceNorm, it does so over the whole picture.
    private Tensor Convolve(Tensor features) => IsFused(features)
        ? TrainedConvolution.Apply(features, _conv2.weight, _conv2.bias!)
        : _conv2.forward(features);

    // Of each picture alone: no running statistics.
    private Tensor Activate(Tensor features, InstanceNorm2d? affine)
    {
        if (IsFused(features))
            return NormActivation.Apply(features, _options.NegativeSlope, GenIspOptions.NormEpsilon);
        var even = _options.Normalization switch
        {
            FeatureNormalization.Instance => functional.instance_norm(features, eps: GenIspOptions.NormEpsilon),
            FeatureNormalization.Affine => affine!.forward(features),
            _ => features,
        };
        return even.LeakyRelu(_options.NegativeSlope);
    }

    private bool IsFused(Tensor features) =>
        _options is { Normalization: FeatureNormalization.Instance, NegativeSlope: > 1e-6 } && Pixels.Has(features);
}
