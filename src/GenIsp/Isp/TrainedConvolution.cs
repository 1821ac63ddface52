using GenIsp.Isp.Kernels;
using static TorchSharp.torch;

namespace GenIsp.Isp;

/// <summary>A convolution there and back to its weights, by kernels of our own: most of the ISP's arithmetic.</summary>
internal sealed class TrainedConvolution : autograd.SingleTensorFunction<TrainedConvolution>
{
    /// <inheritdoc/>
    public override string Name => nameof(TrainedConvolution);

    /// <summary>The convolution, with as many zeros around the image as leave it its size.</summary>
    /// <param name="image">[N, in, H, W], float32.</param>
    /// <param name="weight">[out, in, size, size], an odd size; out is 16 or a multiple of 32.</param>
    /// <param name="bias">[out].</param>
    /// <returns>[N, out, H, W], channels-last where it is computed here: on the processor.</returns>
    public static Tensor Apply(Tensor image, Tensor weight, Tensor bias)
    {
        if (!IsHere(image) || !IsHere(weight))
            return nn.functional.conv2d(image, weight, bias, padding: [weight.shape[2] / 2, weight.shape[3] / 2]);
        return is_grad_enabled() ? apply(image, weight, bias) : Forward(image, weight, bias);
    }

    /// <summary>The same with weights of each picture's own.</summary>
    /// <param name="images">[N, in, H, W].</param>
    /// <param name="weightOf">Of the picture with this number.</param>
    /// <param name="bias">[out].</param>
    public static Tensor ApplyToEach(Tensor images, Func<int, Tensor> weightOf, Tensor bias)
    {
        var pictures = (int)images.shape[0];
        return pictures == 1
            ? Apply(images, weightOf(0), bias)
            : cat([.. Enumerable.Range(0, pictures).Select(picture => Apply(images.narrow(0, picture, 1), weightOf(picture), bias))]);
    }

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (image, weight, bias) = ((Tensor)vars[0], (Tensor)vars[1], (Tensor)vars[2]);
        ctx.save_for_backward([image, weight]);
        ctx.save_data("learns", image.requires_grad);
        return Forward(image, weight, bias);
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var saved = ctx.get_saved_variables();
        var (image, window) = (saved[0], saved[1]);
        using var outer = Pixels.ChannelsLast(grad_output);
        var (weight, bias) = WindowGradient.Of(image, outer, (int)window.shape[2]);
        if (!(bool)ctx.get_data("learns"))
            return [null!, weight, bias];
        using var kernel = KernelOf(window, null);
        return [kernel.Back(outer, image.shape), weight, bias];
    }

    private static Tensor Forward(Tensor image, Tensor weight, Tensor bias)
    {
        using var kernel = KernelOf(weight, bias);
        return kernel.Apply(image);
    }

    private static bool IsHere(Tensor x) => x.device_type == TorchSharp.DeviceType.CPU && x.dtype == ScalarType.Float32;

    private static ConvolutionKernel KernelOf(Tensor weight, Tensor? bias) =>
        ConvolutionKernel.Of(weight, bias, ConvolutionGeometry.Same((int)weight.shape[2]))!;
}
