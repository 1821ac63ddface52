using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace GenIsp.Detection;

/// <summary>
/// A convolution of a frozen network: its weights are constants, in the dtype and the layout that the processor likes best. Images are
/// channels-last, and so is what comes out. A gradient flows back to the image; nothing is kept for one to the weights.
/// </summary>
internal sealed class FrozenConvolution : IDisposable
{
    private const int LeastDepth = 128;

    private readonly ConvolutionGeometry _geometry;
    private readonly DetectorTypes _types;
    private readonly bool _isMatrix;
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
        // A product of matrices: of channels-last images, libtorch 2.10's oneDNN computes 1×1 convolutions wrongly for some numbers of
        // channels (64 → 80 in float32), and ends the process with a division by zero for others (256 → 1024), both seen on a Zen 5.
        _isMatrix = geometry is { Groups: 1, Padding: [0, 0] } && weight.shape is [_, _, 1, 1];
        _weight = Own(_isMatrix ? weight.flatten(1) : ChannelsLast(weight), types.Forward);
        _bias = bias is null ? null : Own(bias, types.Forward);
    }

    /// <summary>All that is frozen.</summary>
    public IEnumerable<Tensor> Weights => _bias is null ? [_weight] : [_weight, _bias];

    /// <summary>The image in the order of memory [N, H, W, C], which it keeps where it has it already.</summary>
    public static Tensor ChannelsLast(Tensor image) => image.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);

    /// <summary>The convolution; then, if asked for, the sum with another image, and ReLU.</summary>
    /// <param name="image">[N, in, H, W], channels-last, in the convolution's dtype.</param>
    /// <param name="addend">[N, out, H', W'], likewise.</param>
    /// <param name="relu">Whether negative values become 0.</param>
    /// <returns>[N, out, H', W'], channels-last, in the caller's dispose scope.</returns>
    public Tensor Forward(Tensor image, Tensor? addend = null, bool relu = false)
    {
        using var scope = NewDisposeScope();
        var strided = _isMatrix ? Strided(image) : image;
        // Rows of pixels are no view for what follows: autograd would copy a gradient that goes through a view changed in place.
        var result = Linear(_isMatrix ? Pixels(strided) : strided);
        if (addend is not null)
            result.PlusInPlace(_isMatrix ? Pixels(addend) : addend);
        if (relu)
            result.relu_();
        return (_isMatrix ? Restored(result, strided.shape) : result).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        _weight.Dispose();
        _bias?.Dispose();
        _turned?.Dispose();
    }

    private static Tensor Own(Tensor weight, ScalarType type) => weight.to_type(type).alias().DetachFromDisposeScope();

    private Tensor Strided(Tensor image) => _geometry.Strides is [1, 1]
        ? image
        : image.slice(2, 0, image.shape[2], _geometry.Strides[0]).slice(3, 0, image.shape[3], _geometry.Strides[1]);

    // [N, C, H, W] → [N · H · W, C].
    private static Tensor Pixels(Tensor image) => image.permute(0, 2, 3, 1).reshape(-1, image.shape[1]);

    private static Tensor Restored(Tensor pixels, long[] shape) =>
        pixels.view(shape[0], shape[2], shape[3], -1).permute(0, 3, 1, 2);

    private Tensor Linear(Tensor image) => is_grad_enabled() && image.requires_grad && HasOwnGradient()
        ? WithOwnGradient.apply(image, this)
        : Apply(image, _weight, _bias, _geometry);

    private Tensor Apply(Tensor image, Tensor weight, Tensor? bias, ConvolutionGeometry geometry) => _isMatrix
        ? functional.linear(image, weight, bias)
        : functional.conv2d(image, weight, bias, geometry.Strides, geometry.Padding, geometry.Dilation, geometry.Groups);

    // libtorch's own gradient of a product is one already, in the same dtype. Its gradient of a convolution is half as fast as the
    // convolution that it is too, without strides: of the turned window, with the pads that are left.
    private bool HasOwnGradient() => _isMatrix
        ? _types.Back != _types.Forward
        : _geometry.Strides is [1, 1] && Turned().Padding.All(pad => pad >= 0);

    private ConvolutionGeometry Turned() => _geometry with
    {
        Padding = [.. _geometry.Padding.Select((pad, axis) => _geometry.Dilation[axis] * (_weight.shape[2 + axis] - 1) - pad)],
    };

    private Tensor TurnedWeight()
    {
        if (_isMatrix)
            return _weight.t().contiguous();
        var (groups, outputs) = (_geometry.Groups, _weight.shape[0] / _geometry.Groups);
        var (inputs, height, width) = (_weight.shape[1], _weight.shape[2], _weight.shape[3]);
        return ChannelsLast(
            _weight.reshape(groups, outputs, inputs, height, width).transpose(1, 2).flip(3, 4).reshape(-1, outputs, height, width));
    }

    private Tensor Back(Tensor gradient)
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        _turned ??= Own(TurnedWeight(), _types.Back);
        var rounded = gradient.to_type(_types.Back);
        return Apply(_isMatrix ? rounded : ChannelsLast(rounded), _turned, null, _isMatrix ? _geometry : Turned())
            .to_type(_types.Forward).MoveToOuterDisposeScope();
    }

    private sealed class WithOwnGradient : autograd.SingleTensorFunction<WithOwnGradient>
    {
        public override string Name => nameof(FrozenConvolution);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var (image, convolution) = ((Tensor)vars[0], (FrozenConvolution)vars[1]);
            ctx.save_data("convolution", convolution);
            return convolution.Apply(image, convolution._weight, convolution._bias, convolution._geometry);
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output) =>
            [((FrozenConvolution)ctx.get_data("convolution")).Back(grad_output), null!];
    }
}

/// <summary>Where the window of a convolution stands; height first, then width.</summary>
/// <param name="Strides">From one place to the next.</param>
/// <param name="Padding">Zeros at either side.</param>
/// <param name="Dilation">From one pixel of the window to the next.</param>
/// <param name="Groups">Parts of the channels that have nothing to do with each other.</param>
internal sealed record ConvolutionGeometry(long[] Strides, long[] Padding, long[] Dilation, long Groups)
{
    /// <summary>A square window whose output is as large as the image, divided by the stride.</summary>
    public static ConvolutionGeometry Same(int kernel, int stride = 1) => new([stride, stride], [kernel / 2, kernel / 2], [1, 1], 1);
}
