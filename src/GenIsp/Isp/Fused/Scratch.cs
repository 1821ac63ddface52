using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace GenIsp.Isp.Fused;

/// <summary>
/// Memory that kernels point into, and that the next picture uses again: the system takes longer to provide a page than a
/// kernel to fill it.
/// </summary>
internal sealed unsafe class Scratch : IDisposable
{
    private const int CacheLine = 64 / sizeof(float);

    private readonly float[] _memory;
    private GCHandle _pin;
    private int _used;

    /// <param name="sizes">How many numbers each <see cref="Take"/> will ask for.</param>
    public Scratch(params ReadOnlySpan<int> sizes)
    {
        var total = CacheLine;
        foreach (var size in sizes)
            total += RoundUp(size);
        _memory = ArrayPool<float>.Shared.Rent(total);
        _pin = GCHandle.Alloc(_memory, GCHandleType.Pinned);
        var misplaced = (int)((nint)PointerTo(_memory) / sizeof(float) % CacheLine);
        _used = (CacheLine - misplaced) % CacheLine;
    }

    /// <summary>The next numbers, from the start of a cache line on; not set.</summary>
    public float* Take(int count)
    {
        var place = PointerTo(_memory) + _used;
        _used += RoundUp(count);
        return _used <= _memory.Length ? place : throw new InvalidOperationException("More memory is taken than was asked for.");
    }

    /// <summary>The first number of an array that is pinned or was allocated so; the caller keeps it alive.</summary>
    public static T* PointerTo<T>(T[] pinned) where T : unmanaged => (T*)Unsafe.AsPointer(ref pinned[0]);

    /// <summary>A copy that <see cref="PointerTo"/> may point at.</summary>
    public static float[] Pinned(float[] values)
    {
        var result = GC.AllocateUninitializedArray<float>(values.Length, pinned: true);
        values.CopyTo(result, 0);
        return result;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_pin.IsAllocated)
            return;
        _pin.Free();
        ArrayPool<float>.Shared.Return(_memory);
    }

    private static int RoundUp(int count) => (count + CacheLine - 1) / CacheLine * CacheLine;
}
