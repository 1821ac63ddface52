using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using GenIsp.Isp.Fused;

namespace GenIsp;

/// <summary>Functions of many numbers at a time. (.NET 10's own are no faster than one number after the other.)</summary>
internal static class VectorMath
{
    /// <summary>e to this is near the least float32 of full precision; <see cref="Exp"/> holds its argument there.</summary>
    public const float LeastPower = -87;

    private const float Ln2 = 0.693147181f;

    // The bits of √½.
    private const int HalfRoot = 0x3F3504F3;

    // ln 2 less the fraction that is taken off before.
    private const float Ln2Rest = -2.12194440e-4f;

    // A number this large has no digits behind the point: the sum with it is rounded to a whole number, which its lowest bits then hold.
    private const float Rounding = 3 << 22;

    /// <summary>eˣ of numbers not above 88, to 2e-7 of the result.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Exp<TSimd, TVector>(TVector x)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        var held = TSimd.AtLeast(x, TSimd.Create(LeastPower));
        var rounded = TSimd.MultiplyAdd(held, TSimd.Create(1 / Ln2), TSimd.Create(Rounding));
        var power = TSimd.Subtract(rounded, TSimd.Create(Rounding));
        // ln 2 in two parts, of which the first has so few digits that its product is exact.
        var rest = TSimd.MultiplyAdd(power, TSimd.Create(-355f / 512), held);
        rest = TSimd.MultiplyAdd(power, TSimd.Create(-Ln2Rest), rest);
        var sum = TSimd.Create(1f / 5040);
        sum = TSimd.MultiplyAdd(sum, rest, TSimd.Create(1f / 720));
        sum = TSimd.MultiplyAdd(sum, rest, TSimd.Create(1f / 120));
        sum = TSimd.MultiplyAdd(sum, rest, TSimd.Create(1f / 24));
        sum = TSimd.MultiplyAdd(sum, rest, TSimd.Create(1f / 6));
        sum = TSimd.MultiplyAdd(sum, rest, TSimd.Create(1f / 2));
        sum = TSimd.MultiplyAdd(sum, rest, TSimd.Create(1));
        sum = TSimd.MultiplyAdd(sum, rest, TSimd.Create(1));
        return TSimd.Multiply(sum, TSimd.TwoToTheBits(rounded));
    }

    /// <summary>The same in vectors of the width that .NET takes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Exp(Vector<float> x) => Vector<float>.Count switch
    {
        4 => Exp<Simd128, Vector128<float>>(x.AsVector128()).AsVector(),
        8 => Exp<Simd256, Vector256<float>>(x.AsVector256()).AsVector(),
        _ => Exp<Simd512, Vector512<float>>(x.AsVector512()).AsVector(),
    };

    /// <summary>1 / (1 + e⁻ˣ), and never below e to <see cref="LeastPower"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Sigmoid(Vector<float> x) =>
        Vector<float>.One / (Vector<float>.One + Exp(-Vector.MaxNative(new Vector<float>(LeastPower), x)));

    /// <summary>ln(1 + e) of 0..1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> LogOfOnePlus(Vector<float> e)
    {
        // 2 artanh(t), and t is at most 1 / 3.
        var t = e / (e + new Vector<float>(2));
        var square = t * t;
        var sum = Then(2f / 9, square, Then(2f / 11, square, Then(2f / 13, square, new Vector<float>(2f / 15))));
        sum = Then(2, square, Then(2f / 3, square, Then(2f / 5, square, Then(2f / 7, square, sum))));
        return sum * t;
    }

    /// <summary>ln x of numbers above 0 of full precision, to 1e-7 of the result or of 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Log(Vector<float> x)
    {
        // x = 2ⁿ · m with m in √½..√2, and ln m = 2 artanh(t) with t at most .172.
        var bits = Vector.AsVectorInt32(x) - new Vector<int>(HalfRoot);
        var power = bits >> 23;
        var m = Vector.AsVectorSingle(Vector.AsVectorInt32(x) - (power << 23));
        var t = (m - Vector<float>.One) / (m + Vector<float>.One);
        var square = t * t;
        var sum = Then(2, square, Then(2f / 3, square, Then(2f / 5, square, Then(2f / 7, square, new Vector<float>(2f / 9)))));
        var n = Vector.ConvertToSingle(power);
        var log = Plus(Plus(sum * t, n, Ln2Rest), n, 355f / 512);
        return Vector.ConditionalSelect(Vector.Equals(x, x), log, x);
    }

    /// <summary>Whether any number is as large as another, or larger.</summary>
    public static bool IsAnyAtLeast(ReadOnlySpan<float> x, float least)
    {
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(x);
        foreach (var vector in vectors)
        {
            if (Vector.GreaterThanOrEqualAny(vector, new Vector<float>(least)))
                return true;
        }
        foreach (var number in x[(vectors.Length * Vector<float>.Count)..])
        {
            if (number >= least)
                return true;
        }
        return false;
    }

    /// <summary>x · factor, number by number.</summary>
    public static void Multiply(ReadOnlySpan<float> x, float factor, Span<float> result)
    {
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(x);
        var targets = MemoryMarshal.Cast<float, Vector<float>>(result);
        for (var i = 0; i < vectors.Length; i++)
            targets[i] = vectors[i] * factor;
        for (var i = vectors.Length * Vector<float>.Count; i < x.Length; i++)
            result[i] = x[i] * factor;
    }

    /// <summary>Σ a · b.</summary>
    public static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        var left = MemoryMarshal.Cast<float, Vector<float>>(a);
        var right = MemoryMarshal.Cast<float, Vector<float>>(b);
        var sums = Vector<float>.Zero;
        for (var i = 0; i < left.Length; i++)
            sums += left[i] * right[i];
        var sum = Vector.Sum(sums);
        for (var i = left.Length * Vector<float>.Count; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }

    /// <summary>The next factor of a polynomial, by Horner's rule.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Then(float factor, Vector<float> x, Vector<float> sum) =>
        Vector.MultiplyAddEstimate(sum, x, new Vector<float>(factor));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Plus(Vector<float> sum, Vector<float> x, float factor) =>
        Vector.MultiplyAddEstimate(x, new Vector<float>(factor), sum);
}
