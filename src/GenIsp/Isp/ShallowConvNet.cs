using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace GenIsp.Isp;

/// <summary>
/// Local, non-linear enhancement at full size (GenISP, figure 3): 3×3 #16, 3×3 #64, each with InstanceNorm and LeakyReLU, then 1×1 #3.
/// </summary>
internal sealed class ShallowConvNet : Module<Tensor, Tensor>
{
    [ComponentName(Name = "conv1")]
    private readonly Conv2d _conv1 = Conv2d(3, 16, kernel_size: 3, padding: 1);

    [ComponentName(Name = "conv2")]
    private readonly Conv2d _conv2 = Conv2d(16, 64, kernel_size: 3, padding: 1);

    [ComponentName(Name = "conv3")]
    private readonly Conv2d _conv3 = Conv2d(64, 3, kernel_size: 1);

    private readonly GenIspOptions _options;

    public ShallowConvNet(string name, GenIspOptions options)
        : base(name)
    {
        _options = options;
        RegisterComponents();
    }

    /// <summary>[N, 3, H, W] → [N, 3, H, W], no activation at the end.</summary>
    public override Tensor forward(Tensor image)
    {
        using var scope = NewDisposeScope();
        var features = Activate(_conv1.forward(image));
        features = Activate(_conv2.forward(features));
        return _conv3.forward(features).MoveToOuterDisposeScope();
    }


    // Of each picture alone: no running statistics, no scale or shift of its own.
    private Tensor Activate(Tensor features) =>
        functional.instance_norm(features, eps: GenIspOptions.NormEpsilon).LeakyRelu(_options.NegativeSlope);
}
