using GenIsp.Isp;
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
        _padded = Panels<TSimd, TVector>.PaddedColumns(_outputs);
        _panels = GC.AllocateArray<float>(checked(_inputs * _padded), pinned: true);
        using var matrix = weight.t();
        Panels<TSimd, TVector>.Pack(matrix.Numbers<float>(), _inputs, _outputs, _panels);
        _start = Start(bias, _outputs, _padded);
    }

    /// <inheritdoc/>
    public override Tensor Apply(Tensor image)
    {
        Check(image, _inputs);
        using var scope = NewDisposeScope();
        var pixels = image.contiguous();
        var result = empty([pixels.shape[0], _outputs], dtype: ScalarType.Float32);
        float* from = pixels.Pointer(), to = result.Pointer();
        var rows = pixels.shape[0];
        Planes.ForEach(checked((int)((rows + RowsTogether - 1) / RowsTogether)), chunk =>
        {
            var start = (nint)chunk * RowsTogether;
            Multiply(from + start * _inputs, (int)Math.Min(RowsTogether, rows - start), to + start * _outputs);
        });
        return result.MoveToOuterDisposeScope();
    }

    // What is left over of rows or columns is computed aside: it reads or writes more than there is.
    private void Multiply(float* values, int rows, float* result)
    {
        var whole = rows / Panels<TSimd, TVector>.Rows * Panels<TSimd, TVector>.Rows;
        if (_outputs == _padded)
            Run(values, whole, result, _outputs);
        else
            RunAside(values, whole, whole, result);
        var rest = rows - whole;
        if (rest == 0)
            return;
        var padded = Panels<TSimd, TVector>.PaddedRows(rest);
        using var scratch = new Scratch(padded * _inputs);
        var copy = scratch.Take(padded * _inputs);
        var read = new Span<float>(copy, padded * _inputs);
        new ReadOnlySpan<float>(values + (nint)whole * _inputs, rest * _inputs).CopyTo(read);
        read[(rest * _inputs)..].Clear();
        RunAside(copy, padded, rest, result + (nint)whole * _outputs);
    }

    private void RunAside(float* values, int rows, int kept, float* result)
    {
        using var scratch = new Scratch(rows * _padded);
        var made = scratch.Take(rows * _padded);
        Run(values, rows, made, _padded);
        for (var row = 0; row < kept; row++)
            new ReadOnlySpan<float>(made + row * _padded, _outputs).CopyTo(new Span<float>(result + row * _outputs, _outputs));
    }

    private void Run(float* values, int rows, float* result, nint step) => Panels<TSimd, TVector>.Multiply(
        values, _inputs, rows, Scratch.PointerTo(_panels), _inputs, _padded, Scratch.PointerTo(_start), result, step);
}
