using System.Runtime.CompilerServices;

namespace GenIsp.Isp.Fused;

/// <summary>
/// The 256×256 copy that ConvWB and ConvCC look at: bilinear, sampled, pixel centres at halves, as PyTorch's <c>interpolate</c>.
/// </summary>
internal static class SmallCopy
{
    private const int Size = GenIspOptions.ParameterSize;

    /// <summary>[3, H, W] → [256, 256, 3].</summary>
    public static FeatureMap Of(LinearPicture picture, int border, ParallelOptions threads)
    {
        var result = new FeatureMap(3, Size, Size, border);
        var columns = Taps(picture.Width);
        var rows = Taps(picture.Height);
        Parallel.For(0, Size, threads, y => Fill(picture, rows[y], columns, result.Row(y)));
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe void Fill(
        LinearPicture picture, (int First, int Second, float Weight) row, (int First, int Second, float Weight)[] columns,
        Span<float> result)
    {
        var (first, second, below) = row;
        for (var channel = 0; channel < 3; channel++)
        {
            float* top = picture.Row(channel, first), bottom = picture.Row(channel, second);
            for (var x = 0; x < columns.Length; x++)
            {
                var (left, right, beside) = columns[x];
                result[3 * x + channel] = (1 - below) * ((1 - beside) * top[left] + beside * top[right])
                    + below * ((1 - beside) * bottom[left] + beside * bottom[right]);
            }
        }
    }

    // The two neighbours of each sample, and the second's weight; in float32, as PyTorch.
    private static (int First, int Second, float Weight)[] Taps(int length)
    {
        var taps = new (int, int, float)[Size];
        var scale = (float)length / Size;
        for (var i = 0; i < Size; i++)
        {
            var at = Math.Max(0, scale * (i + 0.5f) - 0.5f);
            var first = Math.Min((int)at, length - 1);
            taps[i] = (first, Math.Min(first + 1, length - 1), at - first);
        }
        return taps;
    }
}
