using System.Runtime.InteropServices;
using GenIsp.Isp.Fused;

namespace GenIsp.Detection.Frozen;

/// <summary>
/// Memory for a network's images, which come and go in an order that is the same at each run: pieces of it are given out, taken back and
/// given out again while they are still in a cache, and the system is never asked for pages after the first run.
/// </summary>
internal sealed unsafe class Workspace : IDisposable
{
    private const nint CacheLine = 64;
    private const nint Chunk = 16 << 20;

    // By address.
    private readonly List<(nint Start, nint Length)> _free = [];
    private readonly Dictionary<nint, nint> _taken = [];
    private readonly List<(nint Start, nint Length)> _chunks = [];

    ~Workspace() => Release();

    /// <summary>So many numbers, from the start of a cache line on; not set.</summary>
    public float* Take(nint count)
    {
        var length = checked((Math.Max(1, count) * sizeof(float) + CacheLine - 1) / CacheLine * CacheLine);
        var smallest = -1;
        for (var i = 0; i < _free.Count; i++)
        {
            if (_free[i].Length >= length && (smallest < 0 || _free[i].Length < _free[smallest].Length))
                smallest = i;
        }
        if (smallest < 0)
            smallest = Grow(length);
        var (start, room) = _free[smallest];
        if (room == length)
            _free.RemoveAt(smallest);
        else
            _free[smallest] = (start + length, room - length);
        _taken.Add(start, length);
        return (float*)start;
    }

    /// <summary>Takes a piece back.</summary>
    public void Free(float* piece)
    {
        if (!_taken.Remove((nint)piece, out var length))
            throw new ArgumentException("This was not taken from here.", nameof(piece));
        Add((nint)piece, length);
    }

    /// <summary>Takes all back.</summary>
    public void FreeAll()
    {
        foreach (var piece in _taken.Keys.ToList())
            Free((float*)piece);
    }

    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    private int Grow(nint needed)
    {
        var length = Math.Max(Chunk, needed);
        var start = (nint)NativeMemory.AlignedAlloc((nuint)length, (nuint)CacheLine);
        LargePages.Advise((void*)start, length);
        // Of a way that nobody goes back, the collector should know the size.
        GC.AddMemoryPressure(length);
        _chunks.Add((start, length));
        return Add(start, length);
    }

    // Free neighbours become one.
    private int Add(nint start, nint length)
    {
        var place = _free.FindIndex(one => one.Start > start);
        if (place < 0)
            place = _free.Count;
        if (place < _free.Count && start + length == _free[place].Start)
        {
            length += _free[place].Length;
            _free.RemoveAt(place);
        }
        if (place > 0 && _free[place - 1].Start + _free[place - 1].Length == start)
        {
            (start, length) = (_free[place - 1].Start, _free[place - 1].Length + length);
            _free.RemoveAt(--place);
        }
        _free.Insert(place, (start, length));
        return place;
    }

    private void Release()
    {
        foreach (var (start, length) in _chunks)
        {
            NativeMemory.AlignedFree((void*)start);
            GC.RemoveMemoryPressure(length);
        }
        _chunks.Clear();
        _free.Clear();
        _taken.Clear();
    }
}
