using System.Runtime.CompilerServices;
using GenIsp.Isp.Fused;

namespace GenIsp.Isp.Kernels;

/// <summary>
/// What follows a convolution, on its numbers while they are near: the sum with another image, and an activation, which may note what its
/// way back needs: 16 bits a vector, or for SiLU the numbers before it.
/// </summary>
/// <param name="addend">As many numbers as the result, or null.</param>
/// <param name="activation">What comes last.</param>
/// <param name="kept">16 bits for each vector of the result, or for SiLU as many numbers, or null.</param>
internal readonly unsafe struct Epilogue<TSimd, TVector>(float* addend, Activation activation, void* kept)
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    private readonly float* _addend = addend;
    private readonly bool _rectifies = activation.Kind is ActivationKind.Relu or ActivationKind.LeakyRelu;
    private readonly float _slope = activation.Slope;
    private readonly bool _isSilu = activation.Kind == ActivationKind.Silu;
    private readonly void* _kept = kept;

    /// <summary>Whether there is nothing to do.</summary>
    public bool IsEmpty => _addend is null && !_rectifies && !_isSilu;

    /// <summary>Whether <see cref="Of"/> does all: else it is for <see cref="Apply"/>.</summary>
    public bool IsByVector => !_isSilu;

    /// <summary>What becomes of the result's numbers from a place on, but for SiLU.</summary>
    /// <param name="value">A vector of them.</param>
    /// <param name="place">Of the first; a multiple of the vector's length.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVector Of(TVector value, nint place)
    {
        if (_addend is not null)
            value = TSimd.Add(value, TSimd.Load(_addend + place));
        return _rectifies ? Rectified(value, place) : value;
    }

    /// <summary>All of it, for many numbers.</summary>
    /// <param name="values">The first of them.</param>
    /// <param name="place">Its place; a multiple of the vector's length.</param>
    /// <param name="count">How many; up to the end of the result if they fill no vectors.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Apply(float* values, nint place, nint count)
    {
        if (_addend is not null || _rectifies)
            ApplyByVector(values, place, count);
        if (_isSilu)
            Silu<TSimd, TVector>.Apply(values, _kept is null ? null : (float*)_kept + place, count);
    }

    /// <summary>What of a gradient goes back through ReLU, or LeakyReLU.</summary>
    /// <param name="gradient">The first of its numbers.</param>
    /// <param name="signs">Of the first; each number's place is a multiple of the vector's length.</param>
    /// <param name="count">How many; up to the end if they fill no vectors.</param>
    /// <param name="slope">LeakyReLU's, else 0.</param>
    /// <param name="result">Where they go.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Back(float* gradient, ushort* signs, nint count, float slope, float* result)
    {
        var whole = count / TSimd.Count;
        var slopes = TSimd.Create(slope);
        for (nint i = 0; i < whole; i++)
        {
            var outer = TSimd.Load(gradient + i * TSimd.Count);
            var inner = TSimd.Keep(outer, signs[i]);
            if (slope != 0)
                inner = TSimd.Add(inner, TSimd.Multiply(TSimd.Keep(outer, (ushort)~signs[i]), slopes));
            TSimd.Store(inner, result + i * TSimd.Count);
        }
        for (var i = whole * TSimd.Count; i < count; i++)
            result[i] = (signs[whole] >> (int)(i - whole * TSimd.Count) & 1) != 0 ? gradient[i] : slope == 0 ? 0 : gradient[i] * slope;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void ApplyByVector(float* values, nint place, nint count)
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
        if (_rectifies)
            TSimd.Store(Rectified(TSimd.Load(last), place + whole), last);
        new ReadOnlySpan<float>(last, rest).CopyTo(new Span<float>(values + whole, rest));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private TVector Rectified(TVector value, nint place)
    {
        if (_kept is not null)
            ((ushort*)_kept)[place / TSimd.Count] = TSimd.AboveZero(value);
        return _slope == 0 ? TSimd.AtLeast(value, TSimd.Create(0)) : TSimd.LeakyRelu(value, TSimd.Create(_slope));
    }
}
