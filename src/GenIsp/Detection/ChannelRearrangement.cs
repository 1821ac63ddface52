using GenIsp.Isp;
using static TorchSharp.torch;

namespace GenIsp.Detection;

/// <summary>
/// Images side by side in their channels, in another order, and apart again, as one operation: of channels-last ones these are pieces of
/// every pixel. Back, each image's gradient is channels-last too, as <see cref="Isp.Kernels.ConvolutionKernel"/> wants it. libtorch's
/// concatenation takes twice as long on two cores as on one, and its way back from a part fills a whole image with zeros.
/// </summary>
internal sealed unsafe class ChannelRearrangement : autograd.MultiTensorFunction<ChannelRearrangement>
{
    // Pixels that are copied by a thread at once.
    private const int Block = 1024;

    // To read and write a number, in multiply-adds.
    private const long Operations = 8;

    /// <inheritdoc/>
    public override string Name => nameof(ChannelRearrangement);

    /// <summary>Whether these are such images: float32, in the processor's memory, channels-last, of one size.</summary>
    public static bool Takes(IReadOnlyList<Tensor> images) =>
        images.All(image => image.dtype == ScalarType.Float32 && image.device_type == TorchSharp.DeviceType.CPU && Pixels.IsChannelsLast(image))
        && images.All(image => image.size(0) == images[0].size(0) && image.size(2) == images[0].size(2) && image.size(3) == images[0].size(3));

    /// <param name="images">Each [N, C, H, W]; see <see cref="Takes"/>.</param>
    /// <param name="map">Which channels go where.</param>
    /// <returns>One [N, C', H, W] for each of the map's results, channels-last.</returns>
    public static IReadOnlyList<Tensor> Apply(IReadOnlyList<Tensor> images, ChannelMap map) =>
        is_grad_enabled() && images.Any(image => image.requires_grad)
            ? apply([map, .. images])
            : Rearrange(images, map.Results, map.Runs);

    /// <inheritdoc/>
    public override List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var map = (ChannelMap)vars[0];
        ctx.save_data("map", map);
        return Rearrange([.. vars[1..].Cast<Tensor>()], map.Results, map.Runs);
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, List<Tensor> grad_outputs)
    {
        var map = (ChannelMap)ctx.get_data("map");
        Tensor[] gradients = [.. grad_outputs.Select(Pixels.ChannelsLast)];
        var result = Rearrange(gradients, map.Images, map.RunsBack);
        foreach (var gradient in gradients)
            gradient.Dispose();
        return [null!, .. result];
    }

    private static List<Tensor> Rearrange(IReadOnlyList<Tensor> images, IReadOnlyList<int> channels, ChannelRun[] runs)
    {
        var (pictures, height, width) = (images[0].size(0), images[0].size(2), images[0].size(3));
        List<Tensor> results = [.. channels.Select(count => Pixels.Empty([pictures, count, height, width]))];
        Pixels[] from = [.. images.Select(image => new Pixels(image))], to = [.. results.Select(result => new Pixels(result))];
        var size = to[0].Size;
        var blocks = (size + Block - 1) / Block;
        Planes.ForEach(to[0].Pictures * blocks, Operations * Math.Min(Block, size) * channels.Sum(), i =>
        {
            var (picture, block) = Math.DivRem(i, blocks);
            var first = block * Block;
            foreach (var run in runs)
                run.Copy(from[run.From].At(picture, first), from[run.From].Channels, to[run.To].At(picture, first), to[run.To].Channels,
                    Math.Min(Block, size - first));
        });
        return results;
    }
}
