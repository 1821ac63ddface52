using GenIsp.Isp.Fused;
using static TorchSharp.torch;

namespace GenIsp.Detection.Kernels;

/// <summary>A window of one pixel: a product of matrices, [pixels, in] · [in, out].</summary>
internal sealed unsafe class ProductKernel<TSimd, TVector> : ConvolutionKernel
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    // Their values stay in the second cache while all panels pass.
    private const int RowsTogether = 96;

    private readonly int _inputs;
    private readonly int _outputs;
    private readonly int _padded;
    private readonly float[] _panels;
    private readonly float[] _start;

    /// <param name="weight">[out, in].</param>
    /// <param name="bias">[out], or null.</param>
    public ProductKernel(Tensor weight, Tensor? bias)
    {
        (_outputs, _inputs) = (checked((int)weight.shape[0]), checked((int)weight.shape[1]));
        _padded = Panels<TSimd, TVector>.Padded(_outputs);
        _panels = GC.AllocateArray<float>(checked(_inputs * _padded), pinned: true);
        using var matrix = weight.t();
        Panels<TSimd, TVector>.Pack(Numbers(matrix), _inputs, _outputs, _panels);
        _start = Start(bias, _outputs, _padded);
    }

    /// <inheritdoc/>
    public override Tensor Apply(Tensor image)
    {
        Check(image, _inputs);
        using var scope = NewDisposeScope();
        var pixels = image.contiguous();
        var result = empty([pixels.shape[0], _outputs], dtype: ScalarType.Float32);
        float* from = PointerTo(pixels), to = PointerTo(result);
        var rows = pixels.shape[0];
        Parallel.For(0, (rows + RowsTogether - 1) / RowsTogether, Threads, chunk =>
        {
            var start = chunk * RowsTogether;
            Multiply(from + start * _inputs, (int)Math.Min(RowsTogether, rows - start), to + start * _outputs);
        });
        return result.MoveToOuterDisposeScope();
    }

    private void Multiply(float* values, int rows, float* result)
    {
        var whole = _outputs == _padded ? rows / Panels<TSimd, TVector>.Rows * Panels<TSimd, TVector>.Rows : 0;
        Run(values, whole, result, _outputs);
        if (whole == rows)
            return;
        var rest = rows - whole;
        var padded = (rest + Panels<TSimd, TVector>.Rows - 1) / Panels<TSimd, TVector>.Rows * Panels<TSimd, TVector>.Rows;
        using var scratch = new Scratch(padded * _inputs, padded * _padded);
        float* copy = scratch.Take(padded * _inputs), made = scratch.Take(padded * _padded);
        var read = new Span<float>(copy, padded * _inputs);
        new ReadOnlySpan<float>(values + (nint)whole * _inputs, rest * _inputs).CopyTo(read);
        read[(rest * _inputs)..].Clear();
        Run(copy, padded, made, _padded);
        for (var row = 0; row < rest; row++)
        {
            new ReadOnlySpan<float>(made + row * _padded, _outputs).CopyTo(
                new Span<float>(result + (nint)(whole + row) * _outputs, _outputs));
        }
    }

    private void Run(float* values, int rows, float* result, nint step) => Panels<TSimd, TVector>.Multiply(
        values, _inputs, rows, Scratch.PointerTo(_panels), _inputs, _padded, Scratch.PointerTo(_start), result, step);
}
