using GenIsp.Isp;
using GenIsp.Isp.Kernels;
using static TorchSharp.torch;

namespace GenIsp.Detection;

/// <summary>
/// A convolution by a kernel of our own, the sum with another image, and an activation, as one operation with a gradient. Of all that it
/// computes it keeps a bit or some more a number, and that only for ReLU and LeakyReLU; for SiLU, the numbers before it.
/// </summary>
internal sealed class KernelConvolution : autograd.SingleTensorFunction<KernelConvolution>
{
    /// <inheritdoc/>
    public override string Name => nameof(KernelConvolution);

    /// <param name="kernel">The convolution.</param>
    /// <param name="image">[N, in, H, W], float32, channels-last.</param>
    /// <param name="addend">[N, out, H', W'], likewise, or null.</param>
    /// <param name="activation">What comes last.</param>
    /// <returns>[N, out, H', W'], channels-last.</returns>
    public static Tensor Apply(ConvolutionKernel kernel, Tensor image, Tensor? addend, Activation activation)
    {
        if (!is_grad_enabled() || !(image.requires_grad || addend is { requires_grad: true }))
            return kernel.Apply(image, addend, activation);
        using var scope = NewDisposeScope();
        return (addend is null ? apply(image, kernel, activation) : apply(image, kernel, activation, addend)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (image, kernel, activation) = ((Tensor)vars[0], (ConvolutionKernel)vars[1], (Activation)vars[2]);
        var addend = vars.Length > 3 ? (Tensor)vars[3] : null;
        ctx.save_data("kernel", kernel);
        ctx.save_data("activation", activation);
        ctx.save_data("shape", Pixels.ShapeOf(image));
        ctx.save_data("learns", image.requires_grad);
        ctx.save_data("inputs", vars.Length);
        if (activation.Kind == ActivationKind.None)
            return kernel.Apply(image, addend);
        var (result, kept) = kernel.ApplyAndKeep(image, addend, activation);
        ctx.save_for_backward([kept]);
        return result;
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var kernel = (ConvolutionKernel)ctx.get_data("kernel");
        var saved = ctx.get_saved_variables();
        // What is returned is libtorch's, and grad_output is already.
        var gradient = saved.Count > 0
            ? kernel.BackThrough((Activation)ctx.get_data("activation"), grad_output, saved[0])
            : grad_output.alias();
        var ofImage = (bool)ctx.get_data("learns") ? kernel.Back(gradient, (long[])ctx.get_data("shape")) : null!;
        if ((int)ctx.get_data("inputs") > 3)
            return [ofImage, null!, null!, gradient];
        // Not only when the whole way back is gone.
        gradient.Dispose();
        return [ofImage, null!, null!];
    }
}
