using System.Numerics;
using System.Runtime.InteropServices;
using GenIsp.Isp.Kernels;
using static TorchSharp.torch;

namespace GenIsp.Isp;

/// <summary>
/// The pixels of a channels-last float32 image [N, C, H, W] on the processor, a pixel's channels side by side, for operations of our own.
/// </summary>
internal readonly unsafe struct Pixels
{
    // Few enough to stay in a cache, and to be summed in float32.
    private const int Block = 64;

    // And these are a thread's at once.
    private const int Range = 128 * Block;

    private readonly float* _first;

    /// <param name="image">[N, C, H, W]; the caller keeps it alive.</param>
    /// <exception cref="ArgumentException">It is not float32, channels-last and in the processor's memory.</exception>
    public Pixels(Tensor image)
    {
        if (image.dtype != ScalarType.Float32 || !IsChannelsLast(image))
            throw new ArgumentException("This is no channels-last image in float32.", nameof(image));
        Owner = image;
        _first = (float*)image.Address();
        (Pictures, Channels) = ((int)image.size(0), (int)image.size(1));
        (Height, Width) = ((int)image.size(2), (int)image.size(3));
        Size = checked(Height * Width);
    }

    /// <summary>Those of one picture in other memory.</summary>
    /// <param name="first">Of H · W · C numbers; the caller keeps it alive.</param>
    /// <param name="channels">C.</param>
    /// <param name="height">H.</param>
    /// <param name="width">W.</param>
    public Pixels(float* first, int channels, int height, int width)
    {
        _first = first;
        (Pictures, Channels, Height, Width) = (1, channels, height, width);
        Size = checked(height * width);
    }

    /// <summary>What is done with some pixels of a picture, from one on; it may put sums into the numbers that are given.</summary>
    public delegate void Work(int picture, int start, int count, float* sums);

    /// <summary>Whose pixels they are, which lives as long as this does; null where that is no tensor.</summary>
    public Tensor? Owner { get; }

    /// <summary>Whether these are no pixels at all.</summary>
    public bool IsNothing => _first == null;

    /// <summary>Pictures: N.</summary>
    public int Pictures { get; }

    /// <summary>Channels: C.</summary>
    public int Channels { get; }

    /// <summary>Rows of a picture: H.</summary>
    public int Height { get; }

    /// <summary>Columns of a picture: W.</summary>
    public int Width { get; }

    /// <summary>Pixels of a picture: H · W.</summary>
    public int Size { get; }

    /// <summary>Numbers in all: N · C · H · W.</summary>
    public nint Count => (nint)Pictures * Size * Channels;

    /// <summary>Whether it is such an image, and its channels fill pairs of vectors.</summary>
    public static bool Has(Tensor image)
    {
        if (image.dtype != ScalarType.Float32 || image.device_type != TorchSharp.DeviceType.CPU || image.dim() != 4
            || image.size(1) % (2 * Vector<float>.Count) != 0 || image.size(2) * image.size(3) > int.MaxValue)
            return false;
        return IsChannelsLast(image);
    }

    /// <summary>Whether an image [N, C, H, W] lies in the order of memory [N, H, W, C].</summary>
    public static bool IsChannelsLast(Tensor image)
    {
        if (image.dim() != 4)
            return false;
        long step = 1;
        foreach (var axis in (ReadOnlySpan<int>)[1, 3, 2, 0])
        {
            var size = image.size(axis);
            if (size != 1 && image.stride(axis) != step && image.numel() != 0)
                return false;
            step *= size;
        }
        return true;
    }

    /// <summary>[N, C, H, W]; a tensor's own list of them takes a microsecond or two.</summary>
    public static long[] ShapeOf(Tensor image) => [image.size(0), image.size(1), image.size(2), image.size(3)];

    /// <summary>Whether an image [N, C, H, W] is so large.</summary>
    public static bool HasShape(Tensor image, long[] shape) => ShapeOf(image).AsSpan().SequenceEqual(shape);

    /// <summary>The image in the order of memory [N, H, W, C], which it keeps where it has it already.</summary>
    public static Tensor ChannelsLast(Tensor image)
    {
        using var scope = NewDisposeScope();
        return image.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }

    /// <summary>An image that is not set yet; no view of another order, which autograd would not let change in place.</summary>
    public static Tensor Empty(long[] shape) => empty_strided(
        shape, [shape[1] * shape[2] * shape[3], 1, shape[1] * shape[3], shape[1]], dtype: ScalarType.Float32);

    /// <summary>Makes all numbers 0.</summary>
    public void Clear() => NativeMemory.Clear(_first, (nuint)Count * sizeof(float));

    /// <summary>A pixel's first channel.</summary>
    public float* At(int picture, int pixel) => _first + ((nint)picture * Size + pixel) * Channels;

    /// <summary>Works on all pixels with as many threads as libtorch uses.</summary>
    /// <param name="work">Each of its sums is added up in float64, in the pixels' order.</param>
    /// <param name="sums">How many there are.</param>
    /// <returns>[N][sums].</returns>
    public double[][] ForEach(Work work, int sums = 0)
    {
        var (size, ranges) = (Size, (Size + Range - 1) / Range);
        var parts = new double[Pictures * ranges][];
        Planes.ForEach(parts.Length, i =>
        {
            var (picture, range) = Math.DivRem(i, ranges);
            var (first, end) = (range * Range, Math.Min((range + 1) * Range, size));
            var part = stackalloc float[sums];
            parts[i] = new double[sums];
            for (; first < end; first += Block)
            {
                work(picture, first, Math.Min(Block, end - first), part);
                Add(new ReadOnlySpan<float>(part, sums), parts[i]);
            }
        });
        var totals = new double[Pictures][];
        for (var picture = 0; picture < Pictures; picture++)
        {
            totals[picture] = new double[sums];
            foreach (var part in parts.AsSpan(picture * ranges, ranges))
                Add<double>(part, totals[picture]);
        }
        return totals;
    }

    /// <summary>What brings each channel of each picture to a mean of 0 and a variance of 1: scale · x + offset.</summary>
    /// <param name="epsilon">Added to the variance.</param>
    /// <returns>[N][scales, then offsets].</returns>
    public float[][] Normalization(double epsilon)
    {
        var pixels = this;
        // Around the first pixel, so that a small variance survives a large mean.
        var sums = ForEach((picture, start, count, sums) => Moments(
            pixels.At(picture, start), count, pixels.Channels, pixels.At(picture, 0), sums), 2 * Channels);
        var result = new float[Pictures][];
        for (var picture = 0; picture < Pictures; picture++)
        {
            result[picture] = new float[2 * Channels];
            for (var channel = 0; channel < Channels; channel++)
            {
                var shift = sums[picture][channel] / Size;
                var variance = Math.Max(0, sums[picture][Channels + channel] / Size - shift * shift);
                var scale = (float)(1 / Math.Sqrt(variance + epsilon));
                result[picture][channel] = scale;
                result[picture][Channels + channel] = (float)(-(At(picture, 0)[channel] + shift) * scale);
            }
        }
        return result;
    }

    private static void Add<T>(ReadOnlySpan<T> part, double[] total)
        where T : INumber<T>
    {
        for (var i = 0; i < part.Length; i++)
            total[i] += double.CreateChecked(part[i]);
    }

    private static void Moments(float* from, int count, int channels, float* centre, float* sums)
    {
        var n = Vector<float>.Count;
        Prefetch.InARow(from + count * channels, count * channels);
        for (var i = 0; i < channels; i += 2 * n)
        {
            Vector<float> centre0 = Vector.Load(centre + i), centre1 = Vector.Load(centre + i + n);
            Vector<float> sum0 = default, sum1 = default, square0 = default, square1 = default;
            var x = from + i;
            for (var pixel = 0; pixel < count; pixel++, x += channels)
            {
                Vector<float> x0 = Vector.Load(x) - centre0, x1 = Vector.Load(x + n) - centre1;
                sum0 += x0;
                sum1 += x1;
                square0 += x0 * x0;
                square1 += x1 * x1;
            }
            sum0.Store(sums + i);
            sum1.Store(sums + i + n);
            square0.Store(sums + channels + i);
            square1.Store(sums + channels + i + n);
        }
    }
}
