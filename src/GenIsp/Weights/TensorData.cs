using System.Buffers.Binary;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace GenIsp.Weights;

/// <summary>What a stored tensor's elements are.</summary>
public enum TensorType
{
    /// <summary>IEEE 754, 64 bits.</summary>
    Float64,

    /// <summary>IEEE 754, 32 bits.</summary>
    Float32,

    /// <summary>IEEE 754, 16 bits.</summary>
    Float16,

    /// <summary>The upper 16 bits of a Float32.</summary>
    BFloat16,

    /// <summary>Signed, 64 bits.</summary>
    Int64,

    /// <summary>Signed, 32 bits.</summary>
    Int32,

    /// <summary>Signed, 16 bits.</summary>
    Int16,

    /// <summary>Signed, 8 bits.</summary>
    Int8,

    /// <summary>Unsigned, 8 bits.</summary>
    UInt8,

    /// <summary>A byte, 0 or 1.</summary>
    Bool,
}

/// <summary>A tensor as it lies in a file: needs no libtorch. Elements are little-endian, contiguous, last dimension fastest.</summary>
public sealed class TensorData
{
    /// <param name="type">What the elements are.</param>
    /// <param name="shape">The dimensions; empty for a scalar.</param>
    /// <param name="bytes">All elements, and nothing else.</param>
    /// <exception cref="ArgumentException">The bytes are not as many as type and shape ask for.</exception>
    public TensorData(TensorType type, IReadOnlyList<long> shape, ReadOnlyMemory<byte> bytes)
    {
        Type = type;
        Shape = shape;
        Bytes = bytes;
        if (ByteCount(type, shape) is not { } needed || needed != bytes.Length)
            throw new ArgumentException($"{type} [{string.Join(", ", shape)}] is not what {bytes.Length} bytes hold.");
    }

    /// <summary>What the elements are.</summary>
    public TensorType Type { get; }

    /// <summary>The dimensions; empty for a scalar.</summary>
    public IReadOnlyList<long> Shape { get; }

    /// <summary>All elements.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>How many elements there are.</summary>
    public int Count => Bytes.Length / SizeOf(Type);

    /// <summary>A Float32 tensor.</summary>
    /// <exception cref="ArgumentException">The values are not as many as the shape asks for.</exception>
    public static TensorData FromSingles(ReadOnlySpan<float> values, params IReadOnlyList<long> shape) =>
        new(TensorType.Float32, shape, MemoryMarshal.AsBytes(values).ToArray());

    /// <summary>An Int64 tensor.</summary>
    /// <exception cref="ArgumentException">The values are not as many as the shape asks for.</exception>
    public static TensorData FromInt64s(ReadOnlySpan<long> values, params IReadOnlyList<long> shape) =>
        new(TensorType.Int64, shape, MemoryMarshal.AsBytes(values).ToArray());

    /// <summary>The size of one element in bytes.</summary>
    public static int SizeOf(TensorType type) => type switch
    {
        TensorType.Float64 or TensorType.Int64 => 8,
        TensorType.Float32 or TensorType.Int32 => 4,
        TensorType.Float16 or TensorType.BFloat16 or TensorType.Int16 => 2,
        _ => 1,
    };

    /// <summary>How many bytes a tensor takes; null when a dimension is negative or a 64-bit integer can't count them.</summary>
    public static long? ByteCount(TensorType type, IReadOnlyList<long> shape)
    {
        if (shape.Any(dimension => dimension < 0))
            return null;
        if (shape.Contains(0))
            return 0;
        var count = (Int128)SizeOf(type);
        foreach (var dimension in shape)
        {
            count *= dimension;
            if (count > long.MaxValue)
                return null;
        }
        return (long)count;
    }

    /// <summary>The elements as float32: rounded from Float64 and from large integers, else exact.</summary>
    public float[] ToSingles()
    {
        var bytes = Bytes.Span;
        if (Type == TensorType.Float32)
            return MemoryMarshal.Cast<byte, float>(bytes).ToArray();
        var values = new float[Count];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = Type switch
            {
                TensorType.Float64 => (float)BinaryPrimitives.ReadDoubleLittleEndian(bytes[(8 * i)..]),
                TensorType.Float16 => (float)BinaryPrimitives.ReadHalfLittleEndian(bytes[(2 * i)..]),
                TensorType.BFloat16 => BitConverter.Int32BitsToSingle(BinaryPrimitives.ReadUInt16LittleEndian(bytes[(2 * i)..]) << 16),
                TensorType.Int64 => BinaryPrimitives.ReadInt64LittleEndian(bytes[(8 * i)..]),
                TensorType.Int32 => BinaryPrimitives.ReadInt32LittleEndian(bytes[(4 * i)..]),
                TensorType.Int16 => BinaryPrimitives.ReadInt16LittleEndian(bytes[(2 * i)..]),
                TensorType.Int8 => (sbyte)bytes[i],
                TensorType.Bool => bytes[i] == 0 ? 0 : 1,
                _ => bytes[i],
            };
        }
        return values;
    }

    /// <summary>The elements of an integer tensor.</summary>
    /// <exception cref="InvalidOperationException">The elements are not integers.</exception>
    public long[] ToInt64s()
    {
        var bytes = Bytes.Span;
        var values = new long[Count];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = Type switch
            {
                TensorType.Int64 => BinaryPrimitives.ReadInt64LittleEndian(bytes[(8 * i)..]),
                TensorType.Int32 => BinaryPrimitives.ReadInt32LittleEndian(bytes[(4 * i)..]),
                TensorType.Int16 => BinaryPrimitives.ReadInt16LittleEndian(bytes[(2 * i)..]),
                TensorType.Int8 => (sbyte)bytes[i],
                TensorType.UInt8 => bytes[i],
                TensorType.Bool => bytes[i] == 0 ? 0 : 1,
                _ => throw new InvalidOperationException($"A {Type} tensor holds no integers."),
            };
        }
        return values;
    }

    /// <summary>The tensor in float32 on the CPU, for libtorch; the caller disposes of it.</summary>
    public Tensor ToTorch() => tensor(ToSingles(), [.. Shape], dtype: ScalarType.Float32);
}
