using System.Runtime.InteropServices;

namespace GenIsp.Weights;

/// <summary>A one-dimensional block of elements that a checkpoint stores once, by key. Nothing of it is verified.</summary>
/// <param name="Type">What the elements are.</param>
/// <param name="Key">Its name in the file.</param>
/// <param name="Count">How many elements the whole block has.</param>
/// <param name="Start">The first element of the part that is meant.</param>
/// <param name="Length">How many elements that part has.</param>
internal sealed record StorageReference(TensorType Type, string Key, long Count, long Start, long Length)
{
    private const int MaxKeyLength = 64;

    /// <summary>
    /// Reads ('storage', class, key, device, count), and in the legacy format a sixth value: None or (view's key, offset, count).
    /// </summary>
    /// <returns>Null when it is none.</returns>
    public static StorageReference? From(object? persistentId)
    {
        if (persistentId is not object?[] { Length: 5 or 6 } values
            || values is not ["storage", PickleGlobal global, string { Length: <= MaxKeyLength } key, _, long count and >= 0, ..]
            || PickleGlobals.StorageType(global) is not { } type)
        {
            return null;
        }
        if (values.Length == 5 || values[5] is null)
            return new(type, key, count, 0, count);
        return values[5] is object?[] and [_, long start and >= 0, long length and >= 0] && start <= count && length <= count - start
            ? new(type, key, count, start, length)
            : null;
    }
}

/// <summary>A tensor as a view of a storage. Nothing of it is verified until it is read.</summary>
internal sealed record TensorReference(StorageReference Storage, long Offset, long[] Shape, long[] Strides)
{
    private const int MaxRank = 64;

    /// <summary>
    /// Reads the arguments of torch._utils._rebuild_tensor: storage, offset, shape, strides, and more that doesn't matter here.
    /// </summary>
    /// <returns>Null when they are none.</returns>
    public static TensorReference? From(object?[] arguments) =>
        arguments is [StorageReference storage, long offset, object?[] shape, object?[] strides, ..] && offset >= 0
        && shape.Length <= MaxRank && shape.Length == strides.Length
        && shape.Concat(strides).All(value => value is long and >= 0)
            ? new(storage, offset, [.. shape.Cast<long>()], [.. strides.Cast<long>()])
            : null;

    /// <summary>The elements, in order. Shares the storage's memory where they lie in order already.</summary>
    /// <param name="storage">All bytes of the storage.</param>
    /// <param name="byteCount">What the shape asks for; the caller has checked that this much may be allocated.</param>
    /// <returns>Null when the tensor reaches beyond its storage.</returns>
    public TensorData? Read(ReadOnlyMemory<byte> storage, long byteCount)
    {
        var size = TensorData.SizeOf(Storage.Type);
        if (byteCount == 0)
            return new(Storage.Type, Shape, ReadOnlyMemory<byte>.Empty);
        var last = (Int128)Offset;
        foreach (var (dimension, stride) in Shape.Zip(Strides))
        {
            last += (Int128)(dimension - 1) * stride;
            if (last >= Storage.Length)
                return null;
        }
        if (last >= Storage.Length)
            return null;
        var part = storage.Slice((int)(Storage.Start * size), (int)(Storage.Length * size))[(int)(Offset * size)..];
        if (IsContiguous())
            return new(Storage.Type, Shape, part[..(int)byteCount]);
        var bytes = new byte[byteCount];
        switch (size)
        {
            case 1: Gather<byte>(part.Span, bytes); break;
            case 2: Gather<ushort>(part.Span, bytes); break;
            case 4: Gather<uint>(part.Span, bytes); break;
            default: Gather<ulong>(part.Span, bytes); break;
        }
        return new(Storage.Type, Shape, bytes);
    }

    private bool IsContiguous()
    {
        var expected = 1L;
        for (var i = Shape.Length - 1; i >= 0; i--)
        {
            if (Shape[i] > 1 && Strides[i] != expected)
                return false;
            expected *= Shape[i];
        }
        return true;
    }

    private void Gather<T>(ReadOnlySpan<byte> source, Span<byte> target)
        where T : unmanaged
    {
        var from = MemoryMarshal.Cast<byte, T>(source);
        var to = MemoryMarshal.Cast<byte, T>(target);
        var index = new long[Shape.Length];
        var position = 0L;
        for (var i = 0; i < to.Length; i++)
        {
            to[i] = from[(int)position];
            for (var axis = Shape.Length - 1; axis >= 0; axis--)
            {
                position += Strides[axis];
                if (++index[axis] < Shape[axis])
                    break;
                position -= Shape[axis] * Strides[axis];
                index[axis] = 0;
            }
        }
    }
}
