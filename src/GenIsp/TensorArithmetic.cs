using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace GenIsp;

/// <summary>
/// Tensors and numbers. TorchSharp makes a finalised object of each number and does not keep it alive during the native call, so the
/// garbage collector may free it while libtorch reads it: seen as "Expected false to be true, but got false" after some hundred training
/// steps (dotnet/TorchSharp#1434 would mend it). Here each number lives until the call has returned; the operators of tensors with
/// numbers are not to be used, and neither is <c>+</c> of two tensors, which hides a number: libtorch adds x + 1 · y.
/// </summary>
internal static partial class TensorArithmetic
{
    private static readonly Scalar One = 1.ToScalar();

    /// <summary>x + number.</summary>
    public static Tensor Plus(this Tensor x, double number)
    {
        using var scalar = number.ToScalar();
        return x.add(scalar, One);
    }

    /// <summary>x + y.</summary>
    public static Tensor Plus(this Tensor x, Tensor y) => x.add(y, One);

    /// <summary>x · number.</summary>
    public static Tensor Times(this Tensor x, double number)
    {
        using var scalar = number.ToScalar();
        return x.mul(scalar);
    }

    /// <summary>x / number.</summary>
    public static Tensor DividedBy(this Tensor x, double number)
    {
        using var scalar = number.ToScalar();
        return x.div(scalar);
    }

    /// <summary>1 − x.</summary>
    public static Tensor Complement(this Tensor x) => (-x).Plus(1);

    /// <summary>x to the power of a number.</summary>
    public static Tensor RaisedTo(this Tensor x, double power)
    {
        using var scalar = power.ToScalar();
        return x.pow(scalar);
    }

    /// <summary>x held in a range.</summary>
    public static Tensor HeldIn(this Tensor x, double least, double most)
    {
        using var low = least.ToScalar();
        using var high = most.ToScalar();
        return x.clamp(low, high);
    }

    /// <summary>x, or the number where that is less.</summary>
    public static Tensor AtMost(this Tensor x, double most)
    {
        using var scalar = most.ToScalar();
        return x.clamp_max(scalar);
    }

    /// <summary>ln(1 + exp(x)).</summary>
    public static Tensor Softplus(this Tensor x) => -nn.functional.logsigmoid(-x);

    /// <summary>x, or x · slope where x is below 0.</summary>
    public static Tensor LeakyRelu(this Tensor x, double slope)
    {
        using var scalar = slope.ToScalar();
        return x.leaky_relu(scalar);
    }

    /// <summary>Where x is a whole number.</summary>
    public static Tensor IsEqualTo(this Tensor x, long number)
    {
        using var scalar = number.ToScalar();
        return x.eq(scalar);
    }

    /// <summary>Where x is greater than a number.</summary>
    public static Tensor IsAbove(this Tensor x, double number)
    {
        using var scalar = number.ToScalar();
        return x.gt(scalar);
    }

    /// <summary>Where x is less than a whole number.</summary>
    public static Tensor IsBelow(this Tensor x, long number)
    {
        using var scalar = number.ToScalar();
        return x.lt(scalar);
    }

    /// <summary>Multiplies x itself by a number.</summary>
    public static Tensor TimesInPlace(this Tensor x, double number)
    {
        using var scalar = number.ToScalar();
        return x.mul_(scalar);
    }

    /// <summary>Adds y to x itself.</summary>
    public static Tensor PlusInPlace(this Tensor x, Tensor y) => x.add_(y, One);

    /// <summary>Adds y · number to x itself.</summary>
    public static Tensor PlusInPlace(this Tensor x, Tensor y, double number)
    {
        using var scalar = number.ToScalar();
        return x.add_(y, scalar);
    }

    /// <summary>The only number of a float32 tensor.</summary>
    public static float Value(this Tensor x)
    {
        using var here = x.cpu();
        return here.ReadCpuSingle(0);
    }

    /// <summary>Where a tensor's numbers are, for which a span may be too short.</summary>
    /// <param name="x">Contiguous, in the processor's memory; the caller keeps it alive.</param>
    /// <exception cref="ArgumentException">It is not contiguous.</exception>
    public static unsafe T* Pointer<T>(this Tensor x)
        where T : unmanaged
    {
        if (!x.is_contiguous())
            throw new ArgumentException("The numbers of this tensor do not lie one after the other.", nameof(x));
        return (T*)x.Address();
    }

    /// <summary>
    /// Where a tensor's first number is. TorchSharp tells only a span of bytes, for which a large tensor is too long, and none of a tensor in
    /// another order; views that it would tell take microseconds.
    /// </summary>
    /// <param name="x">In the processor's memory; the caller keeps it alive.</param>
    /// <exception cref="ArgumentException">It is elsewhere.</exception>
    public static nint Address(this Tensor x) => x.device_type == DeviceType.CPU
        ? THSTensor_data(x.Handle)
        : throw new ArgumentException($"The numbers of this tensor are on {x.device}.", nameof(x));

    /// <summary>The numbers of a tensor, row by row, without a gradient.</summary>
    public static unsafe T[] Numbers<T>(this Tensor x)
        where T : unmanaged
    {
        using var plain = x.detach();
        using var here = plain.cpu();
        using var inOrder = here.contiguous();
        if (TypeOf<T>() != x.dtype)
            throw new ArgumentException($"The numbers of this tensor are {x.dtype}, not {typeof(T).Name}.", nameof(x));
        return new ReadOnlySpan<T>(inOrder.Pointer<T>(), checked((int)inOrder.numel())).ToArray();
    }

    private static ScalarType TypeOf<T>() => default(T) switch
    {
        float => ScalarType.Float32,
        double => ScalarType.Float64,
        long => ScalarType.Int64,
        int => ScalarType.Int32,
        bool => ScalarType.Bool,
        _ => throw new ArgumentException($"No tensor of {typeof(T).Name} is read."),
    };

    [LibraryImport("LibTorchSharp")]
    private static partial nint THSTensor_data(nint tensor);
}
