using System.Numerics;

namespace GenIsp.Imaging;

/// <summary>
/// Smoothing that keeps edges: each pixel becomes the mean of those around it, weighted by nearness and by likeness of colour (Tomasi and
/// Manduchi, ICCV 1998). The three channels are compared together, as in OpenCV's <c>bilateralFilter</c>: likeness is a Gaussian of the
/// L1 norm of the colours' difference, the window is a disc, and the border reflects without repeating the last pixel.
/// </summary>
internal static class BilateralFilter
{
    /// <summary>[3, H, W] → [3, H, W], finite values.</summary>
    /// <param name="pixels">Planar, float32.</param>
    /// <param name="width">Columns.</param>
    /// <param name="radius">Of the disc, in pixels.</param>
    /// <param name="sigmaColor">Standard deviation of the likeness, in the pixels' units, summed over the channels.</param>
    /// <param name="sigmaSpace">Standard deviation of the nearness, in pixels.</param>
    public static float[] Apply(ReadOnlyMemory<float> pixels, int width, int radius, float sigmaColor, float sigmaSpace)
    {
        var plane = pixels.Length / 3;
        var height = plane / width;
        // Whole vectors are read: behind the last column there is room for the rest of one.
        var stride = width + 2 * radius + Vector<float>.Count;
        var rows = 2 * radius + 1;
        var taps = Disc(radius, stride, sigmaSpace);
        var likeness = -0.5f / (sigmaColor * sigmaColor);
        int[] columns = [.. Enumerable.Range(-radius, radius).Select(x => Reflect(x, width))];
        int[] behind = [.. Enumerable.Range(width, radius).Select(x => Reflect(x, width))];
        var result = GC.AllocateUninitializedArray<float>(pixels.Length);
        Parallel.For(
            0, height,
            () => new float[3 * rows * stride],
            (y, _, window) =>
            {
                for (var row = 0; row < 3 * rows; row++)
                {
                    var (channel, dy) = (row / rows, row % rows - radius);
                    var source = pixels.Span.Slice(channel * plane + Reflect(y + dy, height) * width, width);
                    var target = window.AsSpan(row * stride, stride);
                    source.CopyTo(target[radius..]);
                    for (var i = 0; i < radius; i++)
                        (target[i], target[radius + width + i]) = (source[columns[i]], source[behind[i]]);
                }
                for (var x = 0; x < width; x += Vector<float>.Count)
                {
                    var mean = Mean(window, rows * stride, radius * stride + radius + x, taps, likeness);
                    var count = Math.Min(Vector<float>.Count, width - x);
                    Store(mean.Red, result.AsSpan(y * width + x, count));
                    Store(mean.Green, result.AsSpan(plane + y * width + x, count));
                    Store(mean.Blue, result.AsSpan(2 * plane + y * width + x, count));
                }
                return window;
            },
            _ => { });
        return result;
    }

    // The pixels of the disc as steps in the window, each with the exponent of its nearness.
    private static (int Step, float Exponent)[] Disc(int radius, int stride, float sigmaSpace) =>
    [
        .. from dy in Enumerable.Range(-radius, 2 * radius + 1)
           from dx in Enumerable.Range(-radius, 2 * radius + 1)
           let square = dx * dx + dy * dy
           where square <= radius * radius
           select (dy * stride + dx, -0.5f * square / (sigmaSpace * sigmaSpace)),
    ];

    // Weighted differences to the centre are added up, not values: so a plain surface stays as it is to the last bit.
    private static (Vector<float> Red, Vector<float> Green, Vector<float> Blue) Mean(
        ReadOnlySpan<float> window, int plane, int centre, ReadOnlySpan<(int Step, float Exponent)> taps, float likeness)
    {
        var reds = window[..plane];
        var greens = window.Slice(plane, plane);
        var blues = window[(2 * plane)..];
        var (r, g, b) = (new Vector<float>(reds[centre..]), new Vector<float>(greens[centre..]), new Vector<float>(blues[centre..]));
        var (red, green, blue, total) = (Vector<float>.Zero, Vector<float>.Zero, Vector<float>.Zero, Vector<float>.Zero);
        foreach (var (step, exponent) in taps)
        {
            var dr = new Vector<float>(reds[(centre + step)..]) - r;
            var dg = new Vector<float>(greens[(centre + step)..]) - g;
            var db = new Vector<float>(blues[(centre + step)..]) - b;
            var distance = Vector.Abs(dr) + Vector.Abs(dg) + Vector.Abs(db);
            var weight = Vector.Exp(distance * distance * likeness + new Vector<float>(exponent));
            red += weight * dr;
            green += weight * dg;
            blue += weight * db;
            total += weight;
        }
        return (r + red / total, g + green / total, b + blue / total);
    }

    private static void Store(Vector<float> values, Span<float> target)
    {
        if (target.Length == Vector<float>.Count)
        {
            values.CopyTo(target);
            return;
        }
        for (var i = 0; i < target.Length; i++)
            target[i] = values[i];
    }

    // … 2 1 | 0 1 2 … n−1 | n−2 …
    private static int Reflect(int i, int count)
    {
        if (count == 1)
            return 0;
        var period = 2 * (count - 1);
        var place = Math.Abs(i) % period;
        return place < count ? place : period - place;
    }
}
