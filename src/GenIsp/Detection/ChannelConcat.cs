using GenIsp.Isp;
using static TorchSharp.torch;

namespace GenIsp.Detection;

/// <summary>
/// Images side by side in their channels, which of channels-last ones are pieces of every pixel; back, each image's gradient is
/// channels-last again, as <see cref="Isp.Kernels.ConvolutionKernel"/> wants it. libtorch's takes twice as long on two cores as on one.
/// </summary>
internal sealed unsafe class ChannelConcat : autograd.SingleTensorFunction<ChannelConcat>
{
    // Pixels that are copied by a thread at once.
    private const int Block = 1024;

    // To read and write a number, in multiply-adds.
    private const long Operations = 8;

    /// <inheritdoc/>
    public override string Name => nameof(ChannelConcat);

    /// <summary>Whether these are such images: float32, in the processor's memory, channels-last, of one size.</summary>
    public static bool Takes(IReadOnlyList<Tensor> images)
    {
        if (images[0] is not { shape: [var pictures, _, var height, var width] })
            return false;
        return images.All(image => image.dtype == ScalarType.Float32 && image.device_type == TorchSharp.DeviceType.CPU
            && image.shape is [var n, _, var h, var w] && (n, h, w) == (pictures, height, width) && Pixels.IsChannelsLast(image));
    }

    /// <param name="images">Each [N, C, H, W]; see <see cref="Takes"/>.</param>
    /// <returns>[N, ΣC, H, W], channels-last.</returns>
    public static Tensor Apply(IReadOnlyList<Tensor> images) => is_grad_enabled() && images.Any(image => image.requires_grad)
        ? apply([.. images])
        : Join(images);

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        Tensor[] images = [.. vars.Cast<Tensor>()];
        ctx.save_data("shapes", Array.ConvertAll(images, image => image.shape));
        return Join(images);
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        List<Tensor> gradients = [.. ((long[][])ctx.get_data("shapes")).Select(Pixels.Empty)];
        using var outer = Pixels.ChannelsLast(grad_output);
        Copy(gradients, outer, isBack: true);
        return gradients;
    }

    private static Tensor Join(IReadOnlyList<Tensor> images)
    {
        var shape = images[0].shape;
        var result = Pixels.Empty([shape[0], images.Sum(image => image.shape[1]), shape[2], shape[3]]);
        Copy(images, result, isBack: false);
        return result;
    }

    private static void Copy(IReadOnlyList<Tensor> images, Tensor whole, bool isBack)
    {
        Pixels[] parts = [.. images.Select(image => new Pixels(image))];
        var all = new Pixels(whole);
        var blocks = (all.Size + Block - 1) / Block;
        Planes.ForEach(all.Pictures * blocks, Operations * Math.Min(Block, all.Size) * all.Channels, i =>
        {
            var (picture, block) = Math.DivRem(i, blocks);
            var (first, end) = (block * Block, Math.Min((block + 1) * Block, all.Size));
            var offset = 0;
            foreach (var part in parts)
            {
                float* near = part.At(picture, first), far = all.At(picture, first) + offset;
                for (var pixel = first; pixel < end; pixel++, near += part.Channels, far += all.Channels)
                {
                    var (from, to) = isBack ? ((nint)far, (nint)near) : ((nint)near, (nint)far);
                    new ReadOnlySpan<float>((float*)from, part.Channels).CopyTo(new Span<float>((float*)to, part.Channels));
                }
                offset += part.Channels;
            }
        });
    }
}
