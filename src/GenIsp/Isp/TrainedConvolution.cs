using GenIsp.Isp.Kernels;
using static TorchSharp.torch;

namespace GenIsp.Isp;

/// <summary>A convolution there and back to its weights, by kernels of our own: most of the ISP's arithmetic.</summary>
internal sealed class TrainedConvolution : autograd.SingleTensorFunction<TrainedConvolution>
{
    /// <inheritdoc/>
    public override string Name => nameof(TrainedConvolution);

    /// <param name="image">[N, in, H, W]; <see cref="Pixels"/>.</param>
    /// <param name="weight">[out, in, size, size], an odd size; out is a multiple of 32.</param>
    /// <param name="bias">[out].</param>
    /// <returns>[N, out, H, W], channels-last.</returns>
    public static Tensor Apply(Tensor image, Tensor weight, Tensor bias) =>
        is_grad_enabled() ? apply(image, weight, bias) : Forward(image, weight, bias);

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (image, weight, bias) = ((Tensor)vars[0], (Tensor)vars[1], (Tensor)vars[2]);
        ctx.save_for_backward([image, weight]);
        return Forward(image, weight, bias);
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var saved = ctx.get_saved_variables();
        var (image, window) = (saved[0], saved[1]);
        using var outer = Pixels.ChannelsLast(grad_output);
        var (weight, bias) = WindowGradient.Of(image, outer, (int)window.shape[2]);
        using var kernel = KernelOf(window, null);
        return [kernel.Back(outer, image.shape), weight, bias];
    }

    private static Tensor Forward(Tensor image, Tensor weight, Tensor bias)
    {
        using var kernel = KernelOf(weight, bias);
        return kernel.Apply(image);
    }

    private static ConvolutionKernel KernelOf(Tensor weight, Tensor? bias) =>
        ConvolutionKernel.Of(weight, bias, ConvolutionGeometry.Same((int)weight.shape[2]))!;
}
