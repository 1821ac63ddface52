using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using GenIsp.Isp.Fused;
using static TorchSharp.torch;

namespace GenIsp.Detection.Kernels;

/// <summary>
/// A convolution with constant weights, of float32 images on the processor, that libtorch has no part in: two to three times as fast.
/// </summary>
internal abstract unsafe class ConvolutionKernel
{
    /// <summary>A window of one pixel, or null where there is no kernel for it.</summary>
    /// <param name="weight">[out, in].</param>
    /// <param name="bias">[out], or null.</param>
    public static ConvolutionKernel? OfProduct(Tensor weight, Tensor? bias)
    {
        if (!IsForProcessor(weight))
            return null;
        return Vector512.IsHardwareAccelerated ? new ProductKernel<Simd512, Vector512<float>>(weight, bias)
            : Vector256.IsHardwareAccelerated ? new ProductKernel<Simd256, Vector256<float>>(weight, bias)
            : new ProductKernel<Simd128, Vector128<float>>(weight, bias);
    }

    /// <summary>A window of more than one pixel, or null where there is no kernel for it.</summary>
    /// <param name="weight">[out, in / groups, height, width].</param>
    /// <param name="bias">[out], or null.</param>
    /// <param name="geometry">Where the window stands.</param>
    public static ConvolutionKernel? OfWindow(Tensor weight, Tensor? bias, ConvolutionGeometry geometry)
    {
        if (!IsForProcessor(weight))
            return null;
        return Vector512.IsHardwareAccelerated ? WinogradKernel<Simd512, Vector512<float>>.Of(weight, bias, geometry)
            : Vector256.IsHardwareAccelerated ? WinogradKernel<Simd256, Vector256<float>>.Of(weight, bias, geometry)
            : WinogradKernel<Simd128, Vector128<float>>.Of(weight, bias, geometry);
    }

    /// <summary>The convolution.</summary>
    /// <param name="image">[N, in, H, W], float32, channels-last; for a window of one pixel [pixels, in].</param>
    /// <returns>[N, out, H', W'], channels-last, or [pixels, out]; no gradient flows back through it.</returns>
    public abstract Tensor Apply(Tensor image);

    private static bool IsForProcessor(Tensor weight) =>
        weight.device_type == TorchSharp.DeviceType.CPU && weight.dtype == ScalarType.Float32;

    /// <summary>Where a tensor's numbers are, which its span may be too short for.</summary>
    /// <param name="tensor">Contiguous.</param>
    private protected static float* PointerTo(Tensor tensor)
    {
        using var first = tensor.flatten()[..1];
        return (float*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(first.bytes));
    }

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
        Numbers(bias).CopyTo(start, 0);
        return start;
    }

    private protected static float[] Numbers(Tensor tensor)
    {
        using var contiguous = tensor.contiguous();
        return contiguous.data<float>().ToArray();
    }

    private protected static ParallelOptions Threads => new() { MaxDegreeOfParallelism = get_num_threads() };
}
