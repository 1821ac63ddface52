using System.Runtime.CompilerServices;
using GenIsp.Isp.Fused;

namespace GenIsp.Isp.Kernels;

/// <summary>x · sigmoid(x) of many numbers.</summary>
internal static unsafe class Silu<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <summary>There.</summary>
    /// <param name="values">Become the results.</param>
    /// <param name="kept">Where they are kept for the way back, or null.</param>
    /// <param name="count">How many.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Apply(float* values, float* kept, nint count)
    {
        nint i = 0;
        for (; i <= count - TSimd.Count; i += TSimd.Count)
        {
            var x = TSimd.Load(values + i);
            if (kept is not null)
                TSimd.Store(x, kept + i);
            TSimd.Store(Of(x), values + i);
        }
        for (; i < count; i++)
        {
            if (kept is not null)
                kept[i] = values[i];
            values[i] = First(Of(TSimd.Create(values[i])));
        }
    }

    /// <summary>Back: σ (1 + x (1 − σ)) with σ = sigmoid(x).</summary>
    /// <param name="gradient">Of the results.</param>
    /// <param name="kept">Of <see cref="Apply"/>.</param>
    /// <param name="count">How many.</param>
    /// <param name="result">Where it goes.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Back(float* gradient, float* kept, nint count, float* result)
    {
        nint i = 0;
        for (; i <= count - TSimd.Count; i += TSimd.Count)
            TSimd.Store(TSimd.Multiply(TSimd.Load(gradient + i), Slope(TSimd.Load(kept + i))), result + i);
        for (; i < count; i++)
            result[i] = gradient[i] * First(Slope(TSimd.Create(kept[i])));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Of(TVector x)
    {
        x = Held(x);
        return TSimd.Divide(x, OnePlusExpOfMinus(x));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Slope(TVector x)
    {
        x = Held(x);
        var one = TSimd.Create(1);
        var sigmoid = TSimd.Divide(one, OnePlusExpOfMinus(x));
        return TSimd.MultiplyAdd(TSimd.Multiply(x, TSimd.Subtract(one, sigmoid)), sigmoid, sigmoid);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector OnePlusExpOfMinus(TVector x) =>
        TSimd.Add(TSimd.Create(1), VectorMath.Exp<TSimd, TVector>(TSimd.Subtract(TSimd.Create(0), x)));

    // Below, sigmoid falls no further, and all is as good as 0.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Held(TVector x) => TSimd.AtLeast(x, TSimd.Create(VectorMath.LeastPower));

    private static float First(TVector x)
    {
        var all = stackalloc float[TSimd.Count];
        TSimd.Store(x, all);
        return all[0];
    }
}
