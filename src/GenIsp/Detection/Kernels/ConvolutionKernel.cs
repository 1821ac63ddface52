using System.Runtime.Intrinsics;
using GenIsp.Isp.Fused;
using static TorchSharp.torch;

namespace GenIsp.Detection.Kernels;

/// <summary>
/// A convolution with constant weights, of float32 images on the processor, that libtorch has no part in: two to five times as fast.
/// </summary>
internal abstract class ConvolutionKernel
{
    /// <summary>The kernel for such a convolution, or null where there is none.</summary>
    /// <param name="weight">[out, in / groups, height, width]; for a window of one pixel [out, in].</param>
    /// <param name="bias">[out], or null.</param>
    /// <param name="geometry">Where the window stands; one of one pixel stands on every pixel.</param>
    public static ConvolutionKernel? Of(Tensor weight, Tensor? bias, ConvolutionGeometry geometry)
    {
        if (weight.device_type != TorchSharp.DeviceType.CPU || weight.dtype != ScalarType.Float32)
            return null;
        return Vector512.IsHardwareAccelerated ? Of<Simd512, Vector512<float>>(weight, bias, geometry)
            : Vector256.IsHardwareAccelerated ? Of<Simd256, Vector256<float>>(weight, bias, geometry)
            : Of<Simd128, Vector128<float>>(weight, bias, geometry);
    }

    /// <summary>The same for one width of vectors.</summary>
    internal static ConvolutionKernel? Of<TSimd, TVector>(Tensor weight, Tensor? bias, ConvolutionGeometry geometry)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        if (weight.shape.Length == 2)
            return new ProductKernel<TSimd, TVector>(weight, bias);
        return WinogradKernel<TSimd, TVector>.Takes(weight, geometry)
            ? new WinogradKernel<TSimd, TVector>(weight, bias, (int)geometry.Padding[0])
            : null;
    }

    /// <summary>The convolution.</summary>
    /// <param name="image">[N, in, H, W], float32, channels-last; for a window of one pixel [pixels, in].</param>
    /// <returns>[N, out, H', W'], channels-last, or [pixels, out]; no gradient flows back through it.</returns>
    public abstract Tensor Apply(Tensor image);

    /// <summary>Throws what libtorch would: the pointers behind it trust the shape.</summary>
    private protected static void Check(Tensor image, int inputs)
    {
        if (image.dtype != ScalarType.Float32 || image.shape[1] != inputs)
        {
            throw new ArgumentException(
                $"A convolution of {inputs} channels in float32 was given [{string.Join(", ", image.shape)}] in {image.dtype}.", nameof(image));
        }
    }

    /// <summary>A bias in all columns of the panels.</summary>
    private protected static float[] Start(Tensor? bias, int outputs, int padded)
    {
        var start = GC.AllocateArray<float>(padded, pinned: true);
        if (bias is null)
            return start;
        if (bias.numel() != outputs)
            throw new ArgumentException($"A convolution with {outputs} outputs has {bias.numel()} biases.", nameof(bias));
        bias.Numbers<float>().CopyTo(start, 0);
        return start;
    }
}
