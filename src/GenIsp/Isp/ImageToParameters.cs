using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace GenIsp.Isp;

/// <summary>
/// Looks at a small copy of the picture and predicts a few numbers from it: ConvWB's 3 gains or ConvCC's 3×3 matrix (GenISP, figure 3).
/// Three convolutions, each with LeakyReLU and max pooling, then the mean over the picture and one linear layer.
/// </summary>
internal sealed class ImageToParameters : Module<Tensor, Tensor>
{
    [ComponentName(Name = "conv1")]
    private readonly Conv2d _conv1 = Conv2d(3, 16, kernel_size: 7, padding: 3);

    [ComponentName(Name = "conv2")]
    private readonly Conv2d _conv2 = Conv2d(16, 32, kernel_size: 5, padding: 2);

    [ComponentName(Name = "conv3")]
    private readonly Conv2d _conv3 = Conv2d(32, 128, kernel_size: 3, padding: 1);

    [ComponentName(Name = "mlp")]
    private readonly Sequential _mlp;

    private readonly GenIspOptions _options;

    public ImageToParameters(string name, int outputs, GenIspOptions options)
        : base(name)
    {
        _mlp = Sequential(Linear(128, outputs));
        _options = options;
        RegisterComponents();
    }

    /// <summary>The last layer's bias: what is predicted before the picture has a say.</summary>
    public Tensor OutputBias => ((Linear)_mlp[0]).bias!;

    /// <summary>[N, 3, 256, 256] → [N, outputs].</summary>
    public override Tensor forward(Tensor image) => Predict(image, null);

    /// <summary>The same of pictures whose channels are multiplied by gains.</summary>
    /// <param name="image">[N, 3, 256, 256].</param>
    /// <param name="gains">[N, 3]; null for 1.</param>
    /// <returns>[N, outputs].</returns>
    public Tensor Predict(Tensor image, Tensor? gains)
    {
        using var scope = NewDisposeScope();
        // The first convolution takes gains as other weights: so there is no image to find the gradient of.
        var features = Pool(gains is null
            ? TrainedConvolution.Apply(image, _conv1.weight, _conv1.bias!)
            : TrainedConvolution.ApplyToEach(image, picture => _conv1.weight * gains[picture].view(3, 1, 1), _conv1.bias!), _options.Pools[0]);
        features = Pool(Convolve(_conv2, features), _options.Pools[1]);
        features = Pool(Convolve(_conv3, features), _options.Pools[2]);
        return _mlp.forward(features.mean([2, 3])).MoveToOuterDisposeScope();
    }

    private static Tensor Convolve(Conv2d convolution, Tensor features) => Pixels.Has(features)
        ? TrainedConvolution.Apply(features, convolution.weight, convolution.bias!)
        : convolution.forward(features);

    private Tensor Pool(Tensor features, int pool) => _options.NegativeSlope >= 0 && Pixels.Has(features)
        ? PoolActivation.Apply(features, pool, _options.NegativeSlope)
        : functional.max_pool2d(features.LeakyRelu(_options.NegativeSlope), [pool, pool]);
}
