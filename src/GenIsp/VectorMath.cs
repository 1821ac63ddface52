using System.Numerics;
using System.Runtime.CompilerServices;

namespace GenIsp;

/// <summary>Functions of many numbers at a time. (.NET 10's own are no faster than one number after the other.)</summary>
internal static class VectorMath
{
    /// <summary>e to this is near the least float32 of full precision; <see cref="ExpOfNegative"/> holds its argument there.</summary>
    public const float LeastPower = -87;

    private const float Ln2 = 0.693147181f;

    // ln 2 less the fraction that is taken off before.
    private const float Ln2Rest = -2.12194440e-4f;

    // A number this large has no digits behind the point: the sum with it is rounded to a whole number, which its lowest bits then hold.
    private const float Rounding = 3 << 22;

    /// <summary>eˣ of numbers not above 0, to 2e-7 of the result.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> ExpOfNegative(Vector<float> x)
    {
        var held = Vector.MaxNative(new Vector<float>(LeastPower), x); // in this order, for NaN to come through
        var rounded = Then(Rounding, held, new Vector<float>(1 / Ln2));
        var power = rounded - new Vector<float>(Rounding);
        // ln 2 in two parts, of which the first has so few digits that its product is exact.
        var rest = Plus(Plus(held, power, -355f / 512), power, -Ln2Rest);
        var sum = Then(1f / 24, rest, Then(1f / 120, rest, Then(1f / 720, rest, new Vector<float>(1f / 5040))));
        sum = Then(1, rest, Then(1, rest, Then(1f / 2, rest, Then(1f / 6, rest, sum))));
        return sum * Vector.AsVectorSingle(Vector.AsVectorInt32(rounded) + new Vector<int>(127) << 23);
    }

    /// <summary>1 / (1 + e⁻ˣ), and never below e to <see cref="LeastPower"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Sigmoid(Vector<float> x)
    {
        var e = ExpOfNegative(-Vector.Abs(x));
        return Vector.ConditionalSelect(Vector.GreaterThanOrEqual(x, Vector<float>.Zero), Vector<float>.One, e) / (Vector<float>.One + e);
    }

    /// <summary>The next factor of a polynomial, by Horner's rule.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Then(float factor, Vector<float> x, Vector<float> sum) =>
        Vector.MultiplyAddEstimate(sum, x, new Vector<float>(factor));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Plus(Vector<float> sum, Vector<float> x, float factor) =>
        Vector.MultiplyAddEstimate(x, new Vector<float>(factor), sum);
}
