using static TorchSharp.torch;

namespace GenIsp.Detection.OnnxGraph;

/// <summary>
/// The tensors that come into a node, while it is computed on a device; an optional input that is left out is null.
/// </summary>
internal readonly struct Inputs(Tensor?[] tensors, Device device)
{
    /// <summary>
    /// The most elements that one tensor may have: 512 MiB in float32, many times the largest in a detector. A damaged file would
    /// otherwise ask for any amount.
    /// </summary>
    public const long MaxElements = 1L << 27;

    public int Count => tensors.Length;

    /// <exception cref="GenIspException">The node lacks that input.</exception>
    public Tensor this[int index] => Optional(index) ?? throw Missing(index);

    public Tensor? Optional(int index) => Given(index) is not { } tensor ? null
        : tensor.device_type == device.type ? tensor : tensor.to(device);

    public Tensor[] All()
    {
        var self = this;
        return [.. Enumerable.Range(0, Count).Select(i => self[i])];
    }

    /// <summary>The elements of an integer input; null where it is left out.</summary>
    public long[]? Longs(int index)
    {
        if (Given(index) is not { } input)
            return null;
        if (input.dtype != ScalarType.Int64)
            throw new GenIspException($"its input {index + 1} should be integers, and is {input.dtype}");
        return input.Numbers<long>();
    }

    /// <exception cref="GenIspException">The node lacks that input, or it is not of integers.</exception>
    public long[] RequiredLongs(int index) => Longs(index) ?? throw Missing(index);

    /// <summary>The elements of a floating-point input; null where it is left out or empty.</summary>
    public double[]? Doubles(int index)
    {
        return Given(index) is { } input && input.numel() > 0 ? input.to_type(ScalarType.Float64).Numbers<double>() : null;
    }

    /// <summary>An axis counted from the end when negative, as 0..rank − 1.</summary>
    public static int Axis(long axis, long rank) => axis >= -rank && axis < rank
        ? (int)(axis < 0 ? axis + rank : axis)
        : throw new GenIspException($"its axis {axis} is not one of a tensor with {rank} dimensions");

    public static int[] Axes(IEnumerable<long> axes, long rank)
    {
        int[] all = [.. axes.Select(axis => Axis(axis, rank))];
        return all.Distinct().Count() == all.Length ? all : throw new GenIspException("it names an axis twice");
    }

    /// <summary>Refuses a tensor that is too large, before it is made.</summary>
    public static long[] Limit(params long[] shape)
    {
        Int128 count = 1;
        foreach (var size in shape)
        {
            if (size < 0)
                throw new GenIspException($"it asks for a tensor of the impossible size [{string.Join(", ", shape)}]");
            if (size != 0 && (count *= size) > MaxElements)
                throw new GenIspException($"it asks for a tensor of the unreasonable size [{string.Join(", ", shape)}]");
        }
        return shape;
    }

    /// <summary>The shape to which both broadcast, as NumPy does it.</summary>
    public static long[] Broadcast(long[] a, long[] b)
    {
        var shape = new long[Math.Max(a.Length, b.Length)];
        for (var i = 1; i <= shape.Length; i++)
        {
            var (left, right) = (i <= a.Length ? a[^i] : 1, i <= b.Length ? b[^i] : 1);
            if (left != right && left != 1 && right != 1)
                throw new GenIspException($"the shapes [{string.Join(", ", a)}] and [{string.Join(", ", b)}] don't fit together");
            shape[^i] = left == 1 ? right : left;
        }
        return Limit(shape);
    }

    // Wherever it is.
    private Tensor? Given(int index) => index < tensors.Length ? tensors[index] : null;

    private static GenIspException Missing(int index) => new($"its input {index + 1} is missing");
}
