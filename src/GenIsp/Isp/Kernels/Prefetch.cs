using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace GenIsp.Isp.Kernels;

/// <summary>
/// Asks for numbers before they are needed, where the processor does not guess the order in which they are read or written. To ask for what
/// lies beyond the end does no harm.
/// </summary>
internal static unsafe class Prefetch
{
    private const int CacheLine = 64 / sizeof(float);

    /// <summary>Numbers side by side.</summary>
    public static void InARow(float* first, int count)
    {
        if (!Sse.IsSupported)
            return;
        for (var i = 0; i < count; i += CacheLine)
            Sse.Prefetch0(first + i);
    }

    /// <summary>Some channels of four pixels in each of some rows.</summary>
    /// <param name="first">The first number.</param>
    /// <param name="stride">From one row to the next.</param>
    /// <param name="channels">From one pixel to the next.</param>
    /// <param name="rows">How many.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Tile(float* first, int stride, int channels, int rows)
    {
        if (!Sse.IsSupported)
            return;
        for (var row = 0; row < rows; row++, first += stride)
        {
            Sse.Prefetch0(first);
            Sse.Prefetch0(first + channels);
            Sse.Prefetch0(first + 2 * channels);
            Sse.Prefetch0(first + 3 * channels);
        }
    }
}
