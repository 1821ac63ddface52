using System.Numerics;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace GenIsp.Isp;

/// <summary>The planes [H, W] of a contiguous float32 tensor [N, C, H, W] on the processor, for operations of our own.</summary>
/// <remarks>
/// To ask a tensor for its numbers takes microseconds, in all of which other threads wait: it is done once, not for each block of them.
/// </remarks>
internal readonly unsafe struct Planes
{
    private readonly float* _first;

    /// <param name="tensor">As <see cref="Has"/> asks for; the caller keeps it.</param>
    public Planes(Tensor tensor)
    {
        Size = checked((int)(tensor.shape[2] * tensor.shape[3]));
        _first = tensor.Pointer();
    }

    /// <summary>Pixels of a plane.</summary>
    public int Size { get; }

    /// <summary>The numbers themselves of one plane, counted over pictures and channels.</summary>
    public Span<float> this[int index] => new(_first + (nint)index * Size, Size);

    /// <summary>Pixels worked on at once: few enough to stay in the first cache, and to be summed in float32.</summary>
    public const int Block = 1024;

    /// <summary>Whether a tensor is contiguous float32 on the processor, and not too large for a span.</summary>
    public static bool Has(Tensor tensor) =>
        tensor.dtype == ScalarType.Float32 && tensor.device_type == TorchSharp.DeviceType.CPU && tensor.is_contiguous()
        && tensor.numel() <= int.MaxValue / sizeof(float);

    /// <summary>Works on the planes with as many threads as libtorch uses.</summary>
    public static void ForEach(int planes, Action<int> work) =>
        Parallel.For(0, planes, new ParallelOptions { MaxDegreeOfParallelism = get_num_threads() }, work);

    /// <summary>What brings a plane to a mean of 0 and a variance of 1: scale · x + offset.</summary>
    /// <param name="values">At least one.</param>
    /// <param name="epsilon">Added to the variance.</param>
    public static (float Scale, float Offset) Normalization(ReadOnlySpan<float> values, double epsilon)
    {
        var (mean, variance) = Moments(values);
        var scale = (float)(1 / Math.Sqrt(variance + epsilon));
        return (scale, (float)(-mean * scale));
    }

    /// <summary>LeakyReLU's derivative where that is its result, or its argument.</summary>
    public static Vector<float> Slopes(Vector<float> activated, float slope) =>
        Vector.ConditionalSelect(Vector.GreaterThan(activated, Vector<float>.Zero), Vector<float>.One, new Vector<float>(slope));

    // Sums of blocks in float32, of all in float64; around a value of the plane's own, so that a small variance survives a large mean.
    private static (double Mean, double Variance) Moments(ReadOnlySpan<float> values)
    {
        var centre = values[0];
        var (sum, squares) = (0.0, 0.0);
        for (var start = 0; start < values.Length; start += Block)
        {
            var block = values[start..Math.Min(start + Block, values.Length)];
            var vectors = MemoryMarshal.Cast<float, Vector<float>>(block);
            var (sums, products) = (Vector<float>.Zero, Vector<float>.Zero);
            foreach (var vector in vectors)
            {
                var shifted = vector - new Vector<float>(centre);
                sums += shifted;
                products += shifted * shifted;
            }
            var (partial, square) = (Vector.Sum(sums), Vector.Sum(products));
            foreach (var value in block[(vectors.Length * Vector<float>.Count)..])
            {
                partial += value - centre;
                square += (value - centre) * (value - centre);
            }
            sum += partial;
            squares += square;
        }
        var shift = sum / values.Length;
        return (centre + shift, Math.Max(0, squares / values.Length - shift * shift));
    }
}
