using GenIsp.Isp;

namespace GenIsp.Detection.Frozen;

/// <summary>Images side by side in their channels, in another order, and apart again: pieces of every pixel.</summary>
/// <param name="map">Which channels go where.</param>
/// <param name="height">Rows of each image.</param>
/// <param name="width">Columns of each image.</param>
internal sealed unsafe class ChannelLayer(ChannelMap map, int height, int width) : ILayer
{
    // Pixels that are copied by a thread at once.
    private const int Block = 1024;

    // To read and write a number, in multiply-adds.
    private const long Operations = 8;

    public IReadOnlyList<ImageShape> Results { get; } = [.. map.Results.Select(channels => new ImageShape(channels, height, width))];

    public nint Kept => 0;

    public void Forward(ReadOnlySpan<Pixels> images, ReadOnlySpan<Pixels> results, float* kept) => Copy(images, results, map.Runs);

    public void Back(ReadOnlySpan<Pixels> gradients, float* kept, ReadOnlySpan<Pixels> results) => Copy(gradients, results, map.RunsBack);

    private static void Copy(ReadOnlySpan<Pixels> images, ReadOnlySpan<Pixels> results, ChannelRun[] runs)
    {
        Pixels[] from = images.ToArray(), to = results.ToArray();
        var size = to[0].Size;
        Planes.ForEach((size + Block - 1) / Block, Operations * Math.Min(Block, size) * to.Sum(result => result.Channels), block =>
        {
            var first = block * Block;
            foreach (var run in runs)
                run.Copy(from[run.From].At(0, first), from[run.From].Channels, to[run.To].At(0, first), to[run.To].Channels,
                    Math.Min(Block, size - first));
        });
    }
}
