using System.Diagnostics;
using System.Runtime.CompilerServices;
using GenIsp.Isp.Fused;

namespace GenIsp.Benchmarks;

/// <summary>The most multiply-adds that all cores do in registers, by the widest vectors that the library uses.</summary>
internal static class PeakKernel
{
    private const int Rounds = 10_000_000;

    /// <summary>Multiply-adds a second.</summary>
    public static double Measure<TSimd, TVector>()
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        var clock = Stopwatch.StartNew();
        Parallel.For(0, Environment.ProcessorCount, _ => Run<TSimd, TVector>());
        return (double)Environment.ProcessorCount * Rounds * 10 * TSimd.Count / clock.Elapsed.TotalSeconds;
    }

    // Ten independent sums: more than two units with a latency of four or five cycles need.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static unsafe float Run<TSimd, TVector>()
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        TVector x = TSimd.Create(0.999f), y = TSimd.Create(0.001f);
        TVector a = y, b = y, c = y, d = y, e = y, f = y, g = y, h = y, i = y, j = y;
        for (var round = 0; round < Rounds; round++)
        {
            (a, b) = (TSimd.MultiplyAdd(a, x, y), TSimd.MultiplyAdd(b, x, y));
            (c, d) = (TSimd.MultiplyAdd(c, x, y), TSimd.MultiplyAdd(d, x, y));
            (e, f) = (TSimd.MultiplyAdd(e, x, y), TSimd.MultiplyAdd(f, x, y));
            (g, h) = (TSimd.MultiplyAdd(g, x, y), TSimd.MultiplyAdd(h, x, y));
            (i, j) = (TSimd.MultiplyAdd(i, x, y), TSimd.MultiplyAdd(j, x, y));
        }
        var first = TSimd.Add(TSimd.Add(TSimd.Add(a, b), TSimd.Add(c, d)), e);
        var result = stackalloc float[TSimd.Count];
        TSimd.Store(TSimd.Add(first, TSimd.Add(TSimd.Add(TSimd.Add(f, g), TSimd.Add(h, i)), j)), result);
        return result[0];
    }
}
