using GenIsp.Color;
using GenIsp.Imaging;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace GenIsp.Isp;

/// <summary>How a new network begins.</summary>
public enum GenIspInitialization
{
    /// <summary>The framework's: uniform by fan-in, biases too.</summary>
    Default,

    /// <summary>The same, but the biases of the last layers are 1 for ConvWB's gains and the identity for ConvCC's matrix.</summary>
    Identity,
}

/// <summary>
/// GenISP (Morawski et al., CVPR Workshops 2022): white balance and colour correction predicted from the picture, then a shallow
/// convolutional network; 115,855 parameters.
/// </summary>
public sealed class GenIspModel : Module<Tensor, Tensor>, IIsp
{
    [ComponentName(Name = "conv_wb")]
    private readonly ImageToParameters _whiteBalance;

    [ComponentName(Name = "conv_cc")]
    private readonly ImageToParameters _colorCorrection;

    [ComponentName(Name = "shallow")]
    private readonly ShallowConvNet _shallow;

    /// <param name="options">What the weights do not show; the defaults if null.</param>
    /// <param name="initialization">How the weights begin. <c>torch.random.manual_seed</c> makes them repeatable.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public GenIspModel(GenIspOptions? options = null, GenIspInitialization initialization = GenIspInitialization.Default)
        : base("GenISP")
    {
        Options = options ?? new GenIspOptions();
        Options.Check();
        // Building a layer leaves temporary tensors behind; the parameters themselves leave the scope.
        using var scope = NewDisposeScope();
        _whiteBalance = new ImageToParameters("ConvWB", 3, Options);
        _colorCorrection = new ImageToParameters("ConvCC", 9, Options);
        _shallow = new ShallowConvNet("ShallowConvNet", Options);
        RegisterComponents();
        if (initialization == GenIspInitialization.Identity)
        {
            using var quiet = no_grad();
            _whiteBalance.OutputBias.copy_(ones(3, dtype: ScalarType.Float32));
            _colorCorrection.OutputBias.copy_(eye(3, dtype: ScalarType.Float32).flatten());
        }
    }

    /// <summary>What the weights do not show.</summary>
    public GenIspOptions Options { get; }

    /// <inheritdoc/>
    public CstDirection Cst => Options.Cst;

    /// <inheritdoc/>
    public LinearOptions Input => Options.Input;

    /// <summary>The network: out = Shallow(CC · diag(WB) · XYZ).</summary>
    /// <param name="xyz">[N, 3, H, W], float32, linear, in the colour space of <see cref="Cst"/>.</param>
    /// <returns>[N, 3, H, W], float32, RGB, nominally 0..1, not clamped.</returns>
    public override Tensor forward(Tensor xyz)
    {
        using var scope = NewDisposeScope();
        xyz = Pixels.ChannelsLast(xyz);
        var (gains, matrix) = Predict(xyz);
        return _shallow.forward(xyz, matrix * gains.unsqueeze(1)).MoveToOuterDisposeScope();
    }

    /// <summary>What ConvWB and ConvCC say of each picture.</summary>
    /// <param name="xyz">As for <see cref="forward"/>.</param>
    /// <returns>[N, 3] gains and [N, 3, 3] matrices, in the caller's dispose scope.</returns>
    internal (Tensor Gains, Tensor Matrix) Predict(Tensor xyz)
    {
        using var scope = NewDisposeScope();
        // One small copy serves both: a gain on each channel and a resize may change places.
        var small = functional.interpolate(
            xyz, [GenIspOptions.ParameterSize, GenIspOptions.ParameterSize], mode: InterpolationMode.Bilinear, align_corners: false);
        var gains = _whiteBalance.forward(small);
        var matrix = _colorCorrection.Predict(small, gains).view(-1, 3, 3);
        return scope.MoveToOuter(gains, matrix);
    }

    /// <inheritdoc/>
    public RgbImage Develop(LinearImage image)
    {
        IspInput.Check(image, Cst, "genisp");
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        return new RgbImage(forward(ToTensor(image)).Numbers<float>(), image.Frame);
    }

    /// <summary>Where its weights are, and where it computes.</summary>
    internal Device Device => _whiteBalance.OutputBias.device;

    /// <summary>The image as <see cref="forward"/> takes it: [1, 3, H, W], beside the weights, in the caller's dispose scope.</summary>
    internal Tensor ToTensor(LinearImage image) =>
        tensor(image.Pixels.ToArray(), [1, 3, image.Height, image.Width], dtype: ScalarType.Float32, device: Device);
}
