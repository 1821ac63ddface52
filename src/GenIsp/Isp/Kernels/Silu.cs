using System.Numerics;
using System.Runtime.CompilerServices;

namespace GenIsp.Isp.Kernels;

/// <summary>x · sigmoid(x) of many numbers.</summary>
internal static unsafe class Silu
{
    /// <summary>There.</summary>
    /// <param name="values">Become the results.</param>
    /// <param name="kept">Where they are kept for the way back, or null.</param>
    /// <param name="count">How many.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Apply(float* values, float* kept, nint count)
    {
        if (kept is not null)
            Buffer.MemoryCopy(values, kept, count * sizeof(float), count * sizeof(float));
        nint i = 0;
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
            Of(Vector.Load(values + i)).Store(values + i);
        for (; i < count; i++)
            values[i] = Of(new Vector<float>(values[i]))[0];
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
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
            (Vector.Load(gradient + i) * Slope(Vector.Load(kept + i))).Store(result + i);
        for (; i < count; i++)
            result[i] = gradient[i] * Slope(new Vector<float>(kept[i]))[0];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Of(Vector<float> x)
    {
        x = Held(x);
        return x * VectorMath.Sigmoid(x);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Slope(Vector<float> x)
    {
        x = Held(x);
        var sigmoid = VectorMath.Sigmoid(x);
        return Vector.MultiplyAddEstimate(x * (Vector<float>.One - sigmoid), sigmoid, sigmoid);
    }

    // Below, sigmoid falls no further, and all is as good as 0.
    private static Vector<float> Held(Vector<float> x) => Vector.MaxNative(new Vector<float>(VectorMath.LeastPower), x);
}
