using System.Runtime.CompilerServices;

namespace GenIsp.Isp.Fused;

/// <summary>Memory that kernels point into: the collector frees it, but never moves it.</summary>
internal sealed unsafe class Scratch
{
    private const int CacheLine = 64 / sizeof(float);

    private readonly float[] _memory;
    private int _used;

    /// <param name="sizes">How many numbers each <see cref="Take"/> will ask for.</param>
    public Scratch(params ReadOnlySpan<int> sizes)
    {
        var total = CacheLine;
        foreach (var size in sizes)
            total += RoundUp(size);
        _memory = GC.AllocateUninitializedArray<float>(total, pinned: true);
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

    /// <summary>The first number of an array that was allocated pinned; the caller keeps it alive.</summary>
    public static float* PointerTo(float[] pinned) => (float*)Unsafe.AsPointer(ref pinned[0]);

    private static int RoundUp(int count) => (count + CacheLine - 1) / CacheLine * CacheLine;
}
