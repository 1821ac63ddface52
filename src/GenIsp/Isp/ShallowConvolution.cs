using GenIsp.Isp.Kernels;
using static TorchSharp.torch;

namespace GenIsp.Isp;

/// <summary>
/// The shallow network's second convolution, 3×3 and nine tenths of the ISP's arithmetic, there and back to its weights, by kernels of our
/// own.
/// </summary>
internal sealed class ShallowConvolution : autograd.SingleTensorFunction<ShallowConvolution>
{
    /// <inheritdoc/>
    public override string Name => nameof(ShallowConvolution);

    /// <param name="image">[N, in, H, W]; <see cref="Pixels"/>.</param>
    /// <param name="weight">[out, in, 3, 3].</param>
    /// <param name="bias">[out].</param>
    /// <returns>[N, out, H, W], channels-last.</returns>
    public static Tensor Apply(Tensor image, Tensor weight, Tensor bias) =>
        is_grad_enabled() ? apply(image, weight, bias) : KernelOf(weight, bias).Apply(image);

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (image, weight, bias) = ((Tensor)vars[0], (Tensor)vars[1], (Tensor)vars[2]);
        ctx.save_for_backward([image, weight]);
        return KernelOf(weight, bias).Apply(image);
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var saved = ctx.get_saved_variables();
        var (weight, bias) = WindowGradient.Of(saved[0], grad_output);
        return [KernelOf(saved[1], null).Back(grad_output, saved[0].shape), weight, bias];
    }

    private static ConvolutionKernel KernelOf(Tensor weight, Tensor? bias) =>
        ConvolutionKernel.Of(weight, bias, ConvolutionGeometry.Same(3))!;
}
