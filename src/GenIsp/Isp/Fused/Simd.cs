using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace GenIsp.Isp.Fused;

/// <summary>A width of vectors: kernels are written once over it, and compiled for each.</summary>
/// <typeparam name="TVector">A vector of float32.</typeparam>
internal unsafe interface ISimd<TVector>
    where TVector : struct
{
    /// <summary>Numbers in a vector.</summary>
    static abstract int Count { get; }

    /// <summary>The numbers from there on.</summary>
    static abstract TVector Load(float* from);

    /// <summary>Puts the numbers there.</summary>
    static abstract void Store(TVector vector, float* to);

    /// <summary>The same number in all places.</summary>
    static abstract TVector Create(float value);

    /// <summary>a + b.</summary>
    static abstract TVector Add(TVector a, TVector b);

    /// <summary>a − b.</summary>
    static abstract TVector Subtract(TVector a, TVector b);

    /// <summary>a · b.</summary>
    static abstract TVector Multiply(TVector a, TVector b);

    /// <summary>a · b + c, rounded once where the processor can.</summary>
    static abstract TVector MultiplyAdd(TVector a, TVector b, TVector c);

    /// <summary>The greater of both; what is no number wins.</summary>
    static abstract TVector Max(TVector a, TVector b);

    /// <summary>x, or the other where that is greater and x is a number.</summary>
    static abstract TVector AtLeast(TVector x, TVector least);

    /// <summary>a / b.</summary>
    static abstract TVector Divide(TVector a, TVector b);

    /// <summary>2 to the powers that the lowest bits of these numbers hold: −126..127.</summary>
    static abstract TVector TwoToTheBits(TVector x);

    /// <summary>x, or x · slope where x is not above 0.</summary>
    static abstract TVector LeakyRelu(TVector x, TVector slope);

    /// <summary>The number where the other is above 0, and number · slope elsewhere: LeakyReLU's way back.</summary>
    static abstract TVector LeakyReluBack(TVector number, TVector other, TVector slope);

    /// <summary>All numbers together.</summary>
    static abstract float Sum(TVector x);

    /// <summary>A bit for each number that is above 0, or no number; the first one's is the lowest.</summary>
    static abstract ushort AboveZero(TVector x);

    /// <summary>The numbers whose bits are set, and 0 elsewhere.</summary>
    static abstract TVector Keep(TVector x, ushort bits);

    /// <summary>
    /// A step of summing many vectors, each to one number. At place i: numbers i and i xor <paramref name="distance"/> together, of
    /// <paramref name="a"/> where i lacks that bit, else of <paramref name="b"/>.
    /// </summary>
    static abstract TVector MergeSums(TVector a, TVector b, int distance);
}

/// <summary>Four numbers: NEON, SSE, or plain code.</summary>
internal readonly unsafe struct Simd128 : ISimd<Vector128<float>>
{
    public static int Count => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load(float* from) => Vector128.Load(from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector128<float> vector, float* to) => vector.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Create(float value) => Vector128.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Add(Vector128<float> a, Vector128<float> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Subtract(Vector128<float> a, Vector128<float> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Multiply(Vector128<float> a, Vector128<float> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> MultiplyAdd(Vector128<float> a, Vector128<float> b, Vector128<float> c) =>
        Vector128.MultiplyAddEstimate(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LeakyRelu(Vector128<float> x, Vector128<float> slope) =>
        Vector128.ConditionalSelect(Vector128.LessThanOrEqual(x, Vector128<float>.Zero), x * slope, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LeakyReluBack(Vector128<float> number, Vector128<float> other, Vector128<float> slope) =>
        Vector128.ConditionalSelect(Vector128.GreaterThan(other, Vector128<float>.Zero), number, number * slope);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector128<float> x) => Vector128.Sum(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Max(Vector128<float> a, Vector128<float> b) => Vector128.Max(a, b);

    // In this order: x86 gives the second of two where one is no number.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> AtLeast(Vector128<float> x, Vector128<float> least) => Vector128.MaxNative(least, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Divide(Vector128<float> a, Vector128<float> b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> TwoToTheBits(Vector128<float> x) => (x.AsInt32() + Vector128.Create(127) << 23).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort AboveZero(Vector128<float> x) =>
        (ushort)(~Vector128.LessThanOrEqual(x, Vector128<float>.Zero).ExtractMostSignificantBits() & 0xF);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Keep(Vector128<float> x, ushort bits)
    {
        var lanes = Vector128.Create(1, 2, 4, 8);
        return Vector128.ConditionalSelect(Vector128.Equals(Vector128.Create((int)bits) & lanes, lanes).AsSingle(), x, Vector128<float>.Zero);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> MergeSums(Vector128<float> a, Vector128<float> b, int distance)
    {
        var places = Vector128<int>.Indices;
        var isFirst = Vector128.Equals(places & Vector128.Create(distance), Vector128<int>.Zero).AsSingle();
        var other = Vector128.ShuffleNative(Vector128.ConditionalSelect(isFirst, b, a), places ^ Vector128.Create(distance));
        return Vector128.ConditionalSelect(isFirst, a, b) + other;
    }
}

/// <summary>Eight numbers: AVX2.</summary>
internal readonly unsafe struct Simd256 : ISimd<Vector256<float>>
{
    public static int Count => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(float* from) => Vector256.Load(from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<float> vector, float* to) => vector.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Create(float value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Add(Vector256<float> a, Vector256<float> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Subtract(Vector256<float> a, Vector256<float> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Multiply(Vector256<float> a, Vector256<float> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MultiplyAdd(Vector256<float> a, Vector256<float> b, Vector256<float> c) =>
        Vector256.MultiplyAddEstimate(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LeakyRelu(Vector256<float> x, Vector256<float> slope) =>
        Vector256.ConditionalSelect(Vector256.LessThanOrEqual(x, Vector256<float>.Zero), x * slope, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LeakyReluBack(Vector256<float> number, Vector256<float> other, Vector256<float> slope) =>
        Vector256.ConditionalSelect(Vector256.GreaterThan(other, Vector256<float>.Zero), number, number * slope);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector256<float> x) => Vector256.Sum(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Max(Vector256<float> a, Vector256<float> b) => Vector256.Max(a, b);

    // In this order: x86 gives the second of two where one is no number.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> AtLeast(Vector256<float> x, Vector256<float> least) => Vector256.MaxNative(least, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Divide(Vector256<float> a, Vector256<float> b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> TwoToTheBits(Vector256<float> x) => (x.AsInt32() + Vector256.Create(127) << 23).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort AboveZero(Vector256<float> x) =>
        (ushort)(~Vector256.LessThanOrEqual(x, Vector256<float>.Zero).ExtractMostSignificantBits() & 0xFF);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Keep(Vector256<float> x, ushort bits)
    {
        var lanes = Vector256.Create(1, 2, 4, 8, 16, 32, 64, 128);
        return Vector256.ConditionalSelect(Vector256.Equals(Vector256.Create((int)bits) & lanes, lanes).AsSingle(), x, Vector256<float>.Zero);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MergeSums(Vector256<float> a, Vector256<float> b, int distance)
    {
        var places = Vector256<int>.Indices;
        var isFirst = Vector256.Equals(places & Vector256.Create(distance), Vector256<int>.Zero).AsSingle();
        var other = Vector256.ShuffleNative(Vector256.ConditionalSelect(isFirst, b, a), places ^ Vector256.Create(distance));
        return Vector256.ConditionalSelect(isFirst, a, b) + other;
    }
}

/// <summary>Sixteen numbers: AVX-512.</summary>
internal readonly unsafe struct Simd512 : ISimd<Vector512<float>>
{
    public static int Count => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(float* from) => Vector512.Load(from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<float> vector, float* to) => vector.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Create(float value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Add(Vector512<float> a, Vector512<float> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Subtract(Vector512<float> a, Vector512<float> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Multiply(Vector512<float> a, Vector512<float> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyAdd(Vector512<float> a, Vector512<float> b, Vector512<float> c) =>
        Vector512.MultiplyAddEstimate(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LeakyRelu(Vector512<float> x, Vector512<float> slope) =>
        Vector512.ConditionalSelect(Vector512.LessThanOrEqual(x, Vector512<float>.Zero), x * slope, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LeakyReluBack(Vector512<float> number, Vector512<float> other, Vector512<float> slope) =>
        Vector512.ConditionalSelect(Vector512.GreaterThan(other, Vector512<float>.Zero), number, number * slope);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector512<float> x) => Vector512.Sum(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Max(Vector512<float> a, Vector512<float> b) => Vector512.Max(a, b);

    // In this order: x86 gives the second of two where one is no number.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> AtLeast(Vector512<float> x, Vector512<float> least) => Vector512.MaxNative(least, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Divide(Vector512<float> a, Vector512<float> b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> TwoToTheBits(Vector512<float> x) => (x.AsInt32() + Vector512.Create(127) << 23).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort AboveZero(Vector512<float> x) =>
        (ushort)(~Vector512.LessThanOrEqual(x, Vector512<float>.Zero).ExtractMostSignificantBits() & 0xFFFF);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Keep(Vector512<float> x, ushort bits)
    {
        var lanes = Vector512.Create(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768);
        return Vector512.ConditionalSelect(Vector512.Equals(Vector512.Create((int)bits) & lanes, lanes).AsSingle(), x, Vector512<float>.Zero);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MergeSums(Vector512<float> a, Vector512<float> b, int distance)
    {
        var places = Vector512<int>.Indices;
        var isFirst = Vector512.Equals(places & Vector512.Create(distance), Vector512<int>.Zero).AsSingle();
        var other = Vector512.ShuffleNative(Vector512.ConditionalSelect(isFirst, b, a), places ^ Vector512.Create(distance));
        return Vector512.ConditionalSelect(isFirst, a, b) + other;
    }
}
