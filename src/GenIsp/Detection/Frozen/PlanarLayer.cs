using System.Runtime.CompilerServices;
using GenIsp.Isp;

namespace GenIsp.Detection.Frozen;

/// <summary>
/// Makes a channels-last image of one that lies plane by plane, which only this layer takes: as it is, or with the pixels of each square in
/// one another's channels (YOLOX's Focus).
/// </summary>
/// <param name="image">How large it is; its sides are multiples of the square's.</param>
/// <param name="phases">
/// The row and the column in the square of the first, second, … group of channels: one for the image as it is, four for squares of two.
/// </param>
internal sealed unsafe class PlanarLayer(ImageShape image, (int Row, int Column)[] phases) : ILayer
{
    // To read and write a number, in multiply-adds.
    private const long Operations = 8;

    private readonly int _side = phases.Length == 1 ? 1 : 2;

    public IReadOnlyList<ImageShape> Results { get; } = phases.Length == 1
        ? [image]
        : [new ImageShape(phases.Length * image.Channels, image.Height / 2, image.Width / 2)];

    public nint Kept => 0;

    public void Forward(ReadOnlySpan<Pixels> images, ReadOnlySpan<Pixels> results, float* kept) =>
        ForEachRow(images[0], results[0], There);

    public void Back(ReadOnlySpan<Pixels> gradients, float* kept, ReadOnlySpan<Pixels> results) =>
        ForEachRow(results[0], gradients[0], Back);

    // A row of pixels, and of each of their channels the first number in its plane, and how far it is from there to the next pixel's.
    private delegate void Work(float* pixels, int count, float** planes, int channels, nint step);

    private void ForEachRow(Pixels planes, Pixels pixels, Work work)
    {
        var first = planes.At(0, 0);
        Planes.ForEach(pixels.Height, Operations * pixels.Width * pixels.Channels, y =>
        {
            var firsts = stackalloc float*[pixels.Channels];
            for (var i = 0; i < pixels.Channels; i++)
            {
                var (phase, channel) = Math.DivRem(i, image.Channels);
                firsts[i] = first + ((nint)channel * image.Height + _side * y + phases[phase].Row) * image.Width + phases[phase].Column;
            }
            work(pixels.At(0, y * pixels.Width), pixels.Width, firsts, pixels.Channels, _side);
        });
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void There(float* pixels, int count, float** planes, int channels, nint step)
    {
        for (nint x = 0; x < count; x++, pixels += channels)
        {
            for (var i = 0; i < channels; i++)
                pixels[i] = planes[i][step * x];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Back(float* pixels, int count, float** planes, int channels, nint step)
    {
        for (nint x = 0; x < count; x++, pixels += channels)
        {
            for (var i = 0; i < channels; i++)
                planes[i][step * x] = pixels[i];
        }
    }
}
