using System.Runtime.CompilerServices;
using GenIsp.Isp.Fused;

namespace GenIsp.Isp.Kernels;

/// <summary>
/// What follows a convolution, on its numbers while they are near: the sum with another image, and ReLU, which may note what it lets
/// through: 16 bits a vector, all that its way back needs.
/// </summary>
/// <param name="addend">As many numbers as the result, or null.</param>
/// <param name="relu">Whether what is below 0 becomes 0.</param>
/// <param name="signs">One for each vector of the result, or null.</param>
internal readonly unsafe struct Epilogue<TSimd, TVector>(float* addend, bool relu, ushort* signs)
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    private readonly float* _addend = addend;
    private readonly bool _relu = relu;
    private readonly ushort* _signs = signs;

    /// <summary>Whether there is nothing to do.</summary>
    public bool IsEmpty => _addend is null && !_relu;

    /// <summary>What becomes of the result's numbers from a place on.</summary>
    /// <param name="value">A vector of them.</param>
    /// <param name="place">Of the first; a multiple of the vector's length.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVector Of(TVector value, nint place)
    {
        if (_addend is not null)
            value = TSimd.Add(value, TSimd.Load(_addend + place));
        return _relu ? Rectified(value, place) : value;
    }

    /// <summary>The same for many numbers.</summary>
    /// <param name="values">The first of them.</param>
    /// <param name="place">Its place; a multiple of the vector's length.</param>
    /// <param name="count">How many; up to the end of the result if they fill no vectors.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Apply(float* values, nint place, nint count)
    {
        var whole = count / TSimd.Count * TSimd.Count;
        for (nint i = 0; i < whole; i += TSimd.Count)
            TSimd.Store(Of(TSimd.Load(values + i), place + i), values + i);
        var rest = (int)(count - whole);
        if (rest == 0)
            return;
        var last = stackalloc float[TSimd.Count];
        for (var i = 0; i < rest; i++)
            last[i] = values[whole + i] + (_addend is null ? 0 : _addend[place + whole + i]);
        for (var i = rest; i < TSimd.Count; i++)
            last[i] = 0;
        if (_relu)
            TSimd.Store(Rectified(TSimd.Load(last), place + whole), last);
        new ReadOnlySpan<float>(last, rest).CopyTo(new Span<float>(values + whole, rest));
    }

    /// <summary>What of a gradient goes back through ReLU.</summary>
    /// <param name="gradient">The first of its numbers.</param>
    /// <param name="signs">Of the first; each number's place is a multiple of the vector's length.</param>
    /// <param name="count">How many; up to the end if they fill no vectors.</param>
    /// <param name="result">Where they go.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Back(float* gradient, ushort* signs, nint count, float* result)
    {
        var whole = count / TSimd.Count;
        for (nint i = 0; i < whole; i++)
            TSimd.Store(TSimd.Keep(TSimd.Load(gradient + i * TSimd.Count), signs[i]), result + i * TSimd.Count);
        for (var i = whole * TSimd.Count; i < count; i++)
            result[i] = (signs[whole] >> (int)(i - whole * TSimd.Count) & 1) != 0 ? gradient[i] : 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private TVector Rectified(TVector value, nint place)
    {
        if (_signs is not null)
            _signs[place / TSimd.Count] = TSimd.AboveZero(value);
        return TSimd.Max(value, TSimd.Create(0));
    }
}
