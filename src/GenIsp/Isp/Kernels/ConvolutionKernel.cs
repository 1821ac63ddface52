using System.Runtime.Intrinsics;
using GenIsp.Isp.Fused;
using static TorchSharp.torch;

namespace GenIsp.Isp.Kernels;

/// <summary>
/// A convolution with constant weights, of float32 images on the processor, that libtorch has no part in: up to five times as fast.
/// </summary>
internal abstract unsafe class ConvolutionKernel : IDisposable
{
    private readonly ConvolutionGeometry _geometry;
    private bool _isDisposed;
    private readonly (long Height, long Width) _window;

    /// <param name="weight">[out, in / groups, height, width].</param>
    /// <param name="geometry">Where the window stands.</param>
    private protected ConvolutionKernel(Tensor weight, ConvolutionGeometry geometry)
    {
        (Weight, _geometry, _window) = (weight, geometry, (weight.shape[2], weight.shape[3]));
        (Outputs, Inputs) = (checked((int)weight.shape[0]), checked((int)(weight.shape[1] * geometry.Groups)));
    }

    /// <summary>[out, in / groups, height, width].</summary>
    private protected Tensor Weight { get; }

    /// <summary>Channels of an image.</summary>
    public int Inputs { get; }

    /// <summary>Channels of the result.</summary>
    private protected int Outputs { get; }

    /// <summary>The kernel for such a convolution, or null where there is none.</summary>
    /// <param name="weight">[out, in / groups, height, width]; the caller keeps it, for the way back is made of it when it is first gone.</param>
    /// <param name="bias">[out], or null.</param>
    /// <param name="geometry">Where the window stands.</param>
    public static ConvolutionKernel? Of(Tensor weight, Tensor? bias, ConvolutionGeometry geometry)
    {
        if (weight.device_type != TorchSharp.DeviceType.CPU || weight.dtype != ScalarType.Float32)
            return null;
        if (bias is not null && bias.numel() != weight.shape[0])
            throw new ArgumentException($"A convolution with {weight.shape[0]} outputs has {bias.numel()} biases.", nameof(bias));
        return Vector512.IsHardwareAccelerated ? Of<Simd512, Vector512<float>>(weight, bias, geometry)
            : Vector256.IsHardwareAccelerated ? Of<Simd256, Vector256<float>>(weight, bias, geometry)
            : Of<Simd128, Vector128<float>>(weight, bias, geometry);
    }

    /// <summary>The same for one width of vectors.</summary>
    internal static ConvolutionKernel? Of<TSimd, TVector>(Tensor weight, Tensor? bias, ConvolutionGeometry geometry)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        if (geometry is { Groups: 1, Strides: [1, 1], Padding: [0, 0] } && weight.shape is [_, _, 1, 1])
            return new ProductKernel<TSimd, TVector>(weight, bias);
        if (DepthwiseKernel<TSimd, TVector>.Takes(weight, geometry))
            return new DepthwiseKernel<TSimd, TVector>(weight, bias, geometry);
        if (WinogradKernel<TSimd, TVector>.Takes(weight, geometry))
            return new WinogradKernel<TSimd, TVector>(weight, bias, geometry);
        if (LineKernel<TSimd, TVector>.Takes(weight, geometry))
            return new LineKernel<TSimd, TVector>(weight, bias, geometry);
        return PatchKernel<TSimd, TVector>.Takes(weight, geometry) ? new PatchKernel<TSimd, TVector>(weight, bias, geometry) : null;
    }

    /// <summary>
    /// The convolution; then, if asked for, the sum with another image, and an activation. No gradient flows back through it.
    /// </summary>
    /// <param name="image">[N, in, H, W], float32, channels-last.</param>
    /// <param name="addend">[N, out, H', W'], likewise, or null.</param>
    /// <param name="activation">What comes last.</param>
    /// <returns>[N, out, H', W'], channels-last.</returns>
    /// <exception cref="ArgumentException">An image does not fit the weights, or is smaller than the window.</exception>
    public Tensor Apply(Tensor image, Tensor? addend = null, Activation activation = default)
    {
        using var scope = NewDisposeScope();
        var result = ResultFor(image);
        Apply(image, addend, activation, null, result);
        return result.MoveToOuterDisposeScope();
    }

    /// <summary>The same with what <see cref="BackThrough"/> needs of an activation.</summary>
    /// <inheritdoc cref="Apply(Tensor, Tensor, Activation)"/>
    public (Tensor Result, Tensor Kept) ApplyAndKeep(Tensor image, Tensor? addend, Activation activation)
    {
        using var scope = NewDisposeScope();
        var result = ResultFor(image);
        var kept = empty(Kept(activation, (nint)result.numel()), dtype: ScalarType.Float32);
        Apply(image, addend, activation, kept, result);
        return scope.MoveToOuter(result, kept);
    }

    /// <summary>The gradient of the image.</summary>
    /// <param name="gradient">[N, out, H', W'], float32, channels-last: of the result.</param>
    /// <param name="shape">The image's: [N, in, H, W].</param>
    /// <returns>[N, in, H, W], channels-last.</returns>
    public Tensor Back(Tensor gradient, long[] shape)
    {
        using var scope = NewDisposeScope();
        Check(gradient, Outputs);
        if (shape[1] != Inputs || !Pixels.HasShape(gradient, ShapeFor(shape)))
        {
            throw new ArgumentException(
                $"No image of [{string.Join(", ", shape)}] makes a result of [{string.Join(", ", gradient.shape)}].", nameof(shape));
        }
        var result = Pixels.Empty(shape);
        if (result.numel() > 0)
            RunBack(InOrder(gradient), new Pixels(result));
        return result.MoveToOuterDisposeScope();
    }

    /// <summary>What of a gradient goes back through an activation.</summary>
    /// <param name="activation">Which.</param>
    /// <param name="gradient">Of its result; float32, channels-last.</param>
    /// <param name="kept">Of <see cref="ApplyAndKeep"/>.</param>
    public Tensor BackThrough(Activation activation, Tensor gradient, Tensor kept)
    {
        using var scope = NewDisposeScope();
        Check(gradient, Outputs);
        if (kept.numel() != Kept(activation, (nint)gradient.numel()))
            throw new ArgumentException($"This was not kept for a gradient of [{string.Join(", ", gradient.shape)}].", nameof(kept));
        var result = Pixels.Empty(Pixels.ShapeOf(gradient));
        RunBackThrough(activation, InOrder(gradient), kept.Pointer<float>(), new Pixels(result));
        GC.KeepAlive(kept);
        return result.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public virtual void Dispose() => _isDisposed = true;

    /// <summary>How many numbers an activation keeps for the way back.</summary>
    /// <param name="activation">Which.</param>
    /// <param name="count">Of the numbers that it works on.</param>
    public nint Kept(Activation activation, nint count) => activation.Kind switch
    {
        ActivationKind.None => 0,
        ActivationKind.Silu => count,
        _ => (count + 2 * VectorLength - 1) / (2 * VectorLength),
    };

    /// <summary>How large a result is.</summary>
    /// <param name="image">[N, in, H, W].</param>
    /// <returns>[N, out, H', W'].</returns>
    /// <exception cref="ArgumentException">The image is smaller than the window.</exception>
    public long[] ShapeFor(long[] image) => [image[0], Outputs, Made(image[2], 0), Made(image[3], 1)];

    /// <summary>Numbers in a vector.</summary>
    private protected abstract int VectorLength { get; }

    /// <summary>The convolution and what follows it; all images are channels-last.</summary>
    /// <param name="image">[N, in, H, W].</param>
    /// <param name="addend">[N, out, H', W'], or null.</param>
    /// <param name="activation">What comes last.</param>
    /// <param name="kept">16 bits for each vector of the result, or for SiLU the numbers before it, or null.</param>
    /// <param name="result">[N, out, H', W'].</param>
    public abstract void Run(Pixels image, float* addend, Activation activation, void* kept, Pixels result);

    /// <summary>Makes what the way back needs, which otherwise the first one does: it takes time and memory.</summary>
    public abstract void PrepareBack();

    /// <summary>The gradient of the image.</summary>
    /// <param name="gradient">[N, out, H', W'].</param>
    /// <param name="result">[N, in, H, W].</param>
    public abstract void RunBack(Pixels gradient, Pixels result);

    /// <summary>What of a gradient goes back through an activation.</summary>
    /// <param name="activation">Which.</param>
    /// <param name="gradient">[N, out, H', W'].</param>
    /// <param name="kept">As in <see cref="Run"/>.</param>
    /// <param name="result">[N, out, H', W']; may be the gradient.</param>
    public abstract void RunBackThrough(Activation activation, Pixels gradient, void* kept, Pixels result);

    private void Apply(Tensor image, Tensor? addend, Activation activation, Tensor? kept, Tensor result)
    {
        if (addend is not null)
        {
            Check(addend, Outputs);
            if (!Pixels.HasShape(addend, Pixels.ShapeOf(result)))
            {
                throw new ArgumentException(
                    $"The addend is [{string.Join(", ", addend.shape)}], not [{string.Join(", ", result.shape)}].", nameof(addend));
            }
        }
        var others = addend is null ? default : InOrder(addend);
        Run(InOrder(image), addend is null ? null : others.At(0, 0), activation, kept is null ? null : kept.Pointer<float>(), new Pixels(result));
        GC.KeepAlive(others.Owner);
        GC.KeepAlive(kept);
    }

    private Tensor ResultFor(Tensor image)
    {
        Check(image, Inputs);
        return Pixels.Empty(ShapeFor(Pixels.ShapeOf(image)));
    }

    private static Pixels InOrder(Tensor image) => new(Pixels.IsChannelsLast(image) ? image : Pixels.ChannelsLast(image));

    // Throws what libtorch would: the pointers behind it trust the shape, and that there is memory.
    private void Check(Tensor image, long channels)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (image.dtype != ScalarType.Float32 || image.dim() != 4 || image.size(1) != channels)
        {
            throw new ArgumentException(
                $"A convolution of {channels} channels in float32 was given [{string.Join(", ", image.shape)}] in {image.dtype}.", nameof(image));
        }
    }

    private long Made(long size, int axis)
    {
        var places = size + 2 * _geometry.Padding[axis] - (axis == 0 ? _window.Height : _window.Width);
        return places >= 0
            ? places / _geometry.Strides[axis] + 1
            : throw new ArgumentException($"An image of {size} pixels along axis {axis} is smaller than the window.");
    }
}
