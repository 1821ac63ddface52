using System.Numerics;
using System.Runtime.CompilerServices;
using GenIsp.Isp;
using GenIsp.Isp.Kernels;

namespace GenIsp.Detection.Frozen;

/// <summary>The greatest number under a window, channel by channel; the pixel that it came from is kept.</summary>
/// <param name="image">How large it is; its channels fill a vector at least.</param>
/// <param name="window">Where the window stands; each place covers a pixel of the image.</param>
/// <param name="height">Rows of places.</param>
/// <param name="width">Columns of places.</param>
internal sealed unsafe class MaxPoolLayer(ImageShape image, SlidingWindow window, int height, int width) : ILayer
{
    private readonly ImageShape _result = new(image.Channels, height, width);

    public IReadOnlyList<ImageShape> Results => [_result];

    // As whole numbers, which are as large.
    public nint Kept => _result.Count;

    public void Forward(ReadOnlySpan<Pixels> images, ReadOnlySpan<Pixels> results, float* kept)
    {
        float* from = images[0].At(0, 0), to = results[0].At(0, 0);
        nint row = (nint)width * image.Channels;
        Planes.ForEach(height, row * window.Height * window.Width, y => Row(from, y, to + y * row, kept is null ? null : (int*)kept + y * row));
    }

    public void Back(ReadOnlySpan<Pixels> gradients, float* kept, ReadOnlySpan<Pixels> results)
    {
        float* from = gradients[0].At(0, 0), to = results[0].At(0, 0);
        results[0].Clear();
        nint row = (nint)width * image.Channels;
        Planes.ForEachBand(1, height, window.Height, 4 * row, (_, top, rows) =>
            RowsBack(from + top * row, (int*)kept + top * row, (nint)rows * width, to));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Row(float* from, int y, float* result, int* kept)
    {
        nint channels = image.Channels;
        var (up, down) = Covered(y, window.Down, window.Above, window.Height, image.Height);
        for (var x = 0; x < width; x++, result += channels, kept += kept is null ? 0 : channels)
        {
            var (left, right) = Covered(x, window.Right, window.Left, window.Width, image.Width);
            for (nint i = 0; i < channels; i += Vector<float>.Count)
            {
                // The last vector may begin within the one before it.
                var channel = Math.Min(i, channels - Vector<float>.Count);
                var first = up * image.Width + left;
                var greatest = Vector.Load(from + first * channels + channel);
                var place = new Vector<int>(first);
                for (var row = up; row < down; row++)
                {
                    for (var column = left; column < right; column++)
                    {
                        var pixel = row * image.Width + column;
                        var number = Vector.Load(from + pixel * channels + channel);
                        // What is no number wins.
                        var isGreater = Vector.GreaterThan(number, greatest)
                            | Vector.AndNot(Vector.Equals(greatest, greatest), Vector.Equals(number, number));
                        greatest = Vector.ConditionalSelect(isGreater, number, greatest);
                        place = Vector.ConditionalSelect(isGreater, new Vector<int>(pixel), place);
                    }
                }
                greatest.Store(result + channel);
                if (kept is not null)
                    place.Store(kept + channel);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RowsBack(float* gradient, int* places, nint count, float* result)
    {
        nint channels = image.Channels;
        for (; count > 0; count--, gradient += channels, places += channels)
        {
            for (nint channel = 0; channel < channels; channel++)
                result[places[channel] * channels + channel] += gradient[channel];
        }
    }

    private static (int First, int End) Covered(int place, int step, int before, int size, int length)
    {
        var first = place * step - before;
        return (Math.Max(0, first), Math.Min(length, first + size));
    }
}
