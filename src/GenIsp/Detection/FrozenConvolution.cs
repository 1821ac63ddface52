using GenIsp.Isp;
using GenIsp.Isp.Kernels;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace GenIsp.Detection;

/// <summary>
/// A convolution of a frozen network: its weights are constants, in the dtype and the layout that the processor likes best, and computed by
/// a <see cref="ConvolutionKernel"/> where there is one. Images are channels-last, and so is what comes out. A gradient flows back to the
/// image; nothing is kept for one to the weights.
/// </summary>
internal sealed class FrozenConvolution : IDisposable
{
    private const int LeastDepth = 128;

    private readonly ConvolutionGeometry _geometry;
    private readonly DetectorTypes _types;
    private readonly bool _isProduct;
    private readonly Tensor _weight;
    private readonly Tensor? _bias;
    private Tensor? _turned;

    /// <param name="weight">[out, in / groups, height, width].</param>
    /// <param name="bias">[out], or null.</param>
    /// <param name="geometry">Where its window stands.</param>
    /// <param name="types">What it computes in, there and back; sums are in float32 at least.</param>
    public FrozenConvolution(Tensor weight, Tensor? bias, ConvolutionGeometry geometry, DetectorTypes types)
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        _geometry = geometry;
        // Of a small one, rounding the gradient and back costs more than the arithmetic gains.
        var depth = Math.Min(weight.shape[0] / geometry.Groups, weight.shape[1]) * weight.shape[2] * weight.shape[3];
        _types = depth >= LeastDepth ? types : types with { Back = types.Forward };
        _isProduct = Convolution.IsProduct(weight, geometry);
        _bias = bias is null ? null : Own(bias, types.Forward);
        _weight = Own(Pixels.ChannelsLast(weight), types.Forward);
        Kernel = ConvolutionKernel.Of(_weight, _bias, geometry);
    }

    /// <summary>All that is frozen.</summary>
    public IEnumerable<Tensor> Weights => _bias is null ? [_weight] : [_weight, _bias];

    /// <summary>What computes it, unless that is libtorch.</summary>
    public ConvolutionKernel? Kernel { get; }

    /// <summary>The convolution; then, if asked for, the sum with another image, and an activation.</summary>
    /// <param name="image">[N, in, H, W], channels-last, in the convolution's dtype.</param>
    /// <param name="addend">[N, out, H', W'], likewise.</param>
    /// <param name="activation">What comes last.</param>
    /// <returns>[N, out, H', W'], channels-last, in the caller's dispose scope.</returns>
    public Tensor Forward(Tensor image, Tensor? addend = null, Activation activation = default)
    {
        if (Kernel is not null)
            return KernelConvolution.Apply(Kernel, image, addend, activation);
        using var scope = NewDisposeScope();
        var strided = _isProduct ? Convolution.Strided(image, _geometry) : image;
        // Rows of pixels are no view for what follows: autograd would copy a gradient that goes through a view changed in place.
        var result = Linear(_isProduct ? Convolution.Rows(strided) : strided);
        if (addend is not null)
            result.PlusInPlace(_isProduct ? Convolution.Rows(addend) : addend);
        result = activation.Apply(result);
        return (_isProduct ? Convolution.Image(result, strided.shape) : result).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        _weight.Dispose();
        _bias?.Dispose();
        _turned?.Dispose();
        Kernel?.Dispose();
    }

    private static Tensor Own(Tensor weight, ScalarType type) => weight.to_type(type).alias().DetachFromDisposeScope();

    private Tensor Linear(Tensor image) => is_grad_enabled() && image.requires_grad && HasOwnGradient()
        ? WithOwnGradient.apply(image, this)
        : Apply(image);

    private Tensor Apply(Tensor image) => Apply(image, _weight, _bias, _geometry);

    private Tensor Apply(Tensor image, Tensor weight, Tensor? bias, ConvolutionGeometry geometry) => _isProduct
        ? functional.linear(image, weight.flatten(1), bias)
        : Convolution.Slide(image, weight, bias, geometry);

    // libtorch's own gradient of a product is one already, in the same dtype. Its gradient of a convolution is half as fast as the
    // convolution that it is too, without strides: of the turned window, with the pads that are left.
    private bool HasOwnGradient() => _isProduct
        ? _types.Back != _types.Forward
        : _geometry.Strides is [1, 1] && Turned().Padding.All(pad => pad >= 0);

    private ConvolutionGeometry Turned() => _isProduct ? _geometry : _geometry with
    {
        Padding = [.. _geometry.Padding.Select((pad, axis) => _geometry.Reach(axis, _weight) - 1 - pad)],
    };

    private Tensor TurnedWeight()
    {
        if (_isProduct)
            return _weight.transpose(0, 1).contiguous();
        var (groups, outputs) = (_geometry.Groups, _weight.shape[0] / _geometry.Groups);
        var (inputs, height, width) = (_weight.shape[1], _weight.shape[2], _weight.shape[3]);
        return Pixels.ChannelsLast(
            _weight.reshape(groups, outputs, inputs, height, width).transpose(1, 2).flip(3, 4).reshape(-1, outputs, height, width));
    }

    private Tensor Back(Tensor gradient)
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        _turned ??= Own(TurnedWeight(), _types.Back);
        var rounded = gradient.to_type(_types.Back);
        return Apply(_isProduct ? rounded : Pixels.ChannelsLast(rounded), _turned, null, Turned())
            .to_type(_types.Forward).MoveToOuterDisposeScope();
    }

    private sealed class WithOwnGradient : autograd.SingleTensorFunction<WithOwnGradient>
    {
        public override string Name => nameof(FrozenConvolution);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var (image, convolution) = ((Tensor)vars[0], (FrozenConvolution)vars[1]);
            ctx.save_data("convolution", convolution);
            return convolution.Apply(image);
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output) =>
            [((FrozenConvolution)ctx.get_data("convolution")).Back(grad_output), null!];
    }
}
