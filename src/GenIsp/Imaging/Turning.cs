using GenIsp.Geometry;

namespace GenIsp.Imaging;

/// <summary>Turns and mirrors planar images.</summary>
internal static class Turning
{
    /// <summary>[3, H, W] as stored → upright: [3, H, W] or [3, W, H].</summary>
    public static float[] Upright(float[] pixels, int width, int height, Orientation orientation)
    {
        if (orientation == Orientation.Upright)
            return pixels;
        // Upright pixel (x, y) is stored at start + x·alongX + y·alongY.
        var (last, below) = (width - 1, (height - 1) * width);
        var (start, alongX, alongY) = orientation switch
        {
            Orientation.MirrorHorizontal => (last, -1, width),
            Orientation.Rotate180 => (below + last, -1, -width),
            Orientation.MirrorVertical => (below, 1, -width),
            Orientation.Transpose => (0, width, 1),
            Orientation.Rotate90 => (below, -width, 1),
            Orientation.Transverse => (below + last, -width, -1),
            Orientation.Rotate270 => (last, width, -1),
            _ => throw new ArgumentOutOfRangeException(nameof(orientation)),
        };
        var (columns, rows) = orientation.SwapsSides() ? (height, width) : (width, height);
        var turned = new float[pixels.Length];
        Parallel.For(0, 3 * rows, row =>
        {
            var (channel, y) = Math.DivRem(row, rows);
            var from = channel * width * height + start + y * alongY;
            for (var x = 0; x < columns; x++)
                turned[row * columns + x] = pixels[from + x * alongX];
        });
        return turned;
    }
}
