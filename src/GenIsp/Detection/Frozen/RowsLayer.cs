using GenIsp.Isp;

namespace GenIsp.Detection.Frozen;

/// <summary>All pixels of some images one after the other: an image of one column.</summary>
/// <param name="images">How large they are; all have as many channels.</param>
internal sealed unsafe class RowsLayer(IReadOnlyList<ImageShape> images) : ILayer
{
    public IReadOnlyList<ImageShape> Results { get; } =
        [new ImageShape(images[0].Channels, images.Sum(image => checked(image.Height * image.Width)), 1)];

    public nint Kept => 0;

    public void Forward(ReadOnlySpan<Pixels> images, ReadOnlySpan<Pixels> results, float* kept)
    {
        var first = 0;
        foreach (var image in images)
            Elementwise.Copy(image, Part(results[0], image, ref first));
    }

    public void Back(ReadOnlySpan<Pixels> gradients, float* kept, ReadOnlySpan<Pixels> results)
    {
        var first = 0;
        foreach (var image in results)
            Elementwise.Copy(Part(gradients[0], image, ref first), image);
    }

    private static Pixels Part(Pixels rows, Pixels image, ref int first)
    {
        var part = new Pixels(rows.At(0, first), image.Channels, image.Height, image.Width);
        first += image.Size;
        return part;
    }
}
