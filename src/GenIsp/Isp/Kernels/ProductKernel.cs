using GenIsp.Isp.Fused;
using static TorchSharp.torch;

namespace GenIsp.Isp.Kernels;

/// <summary>A window of one pixel on every pixel: a product of matrices, [pixels, in] · [in, out].</summary>
internal sealed unsafe class ProductKernel<TSimd, TVector> : SimdKernel<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    // Their values stay in the second cache while all panels pass.
    private const int RowsTogether = 96;

    private readonly Tensor _weight;
    private readonly int _inputs;
    private readonly int _outputs;
    private readonly int _padded;
    private readonly float[] _panels;
    private readonly float[] _start;
    private ProductKernel<TSimd, TVector>? _back;

    /// <param name="weight">[out, in, 1, 1].</param>
    /// <param name="bias">[out], or null.</param>
    public ProductKernel(Tensor weight, Tensor? bias)
        : base(weight, ConvolutionGeometry.Same(1))
    {
        _weight = weight;
        (_outputs, _inputs) = (checked((int)weight.shape[0]), checked((int)weight.shape[1]));
        _padded = Panels<TSimd, TVector>.PaddedColumns(_outputs);
        _panels = GC.AllocateArray<float>(checked(_inputs * _padded), pinned: true);
        using var rows = weight.flatten(1);
        using var matrix = rows.t();
        Panels<TSimd, TVector>.Pack(matrix.Numbers<float>(), _inputs, _outputs, _panels);
        _start = Start(bias, _outputs, _padded);
    }

    private protected override void Run(Tensor image, Tensor? addend, bool relu, Tensor? signs, Tensor result)
    {
        var epilogue = EpilogueOf(addend, relu, signs);
        float* from = image.Pointer<float>(), to = result.Pointer<float>();
        var rows = image.numel() / _inputs;
        Planes.ForEach(checked((int)((rows + RowsTogether - 1) / RowsTogether)), chunk =>
        {
            var start = (nint)chunk * RowsTogether;
            var here = (int)Math.Min(RowsTogether, rows - start);
            Multiply(from + start * _inputs, here, to + start * _outputs);
            if (!epilogue.IsEmpty)
                epilogue.Apply(to + start * _outputs, start * _outputs, here * _outputs);
        });
    }

    private protected override void RunBack(Tensor gradient, Tensor result)
    {
        if (_back is null)
        {
            // Only the numbers are kept: nobody goes back through this one.
            using var turned = _weight.transpose(0, 1);
            _back = new ProductKernel<TSimd, TVector>(turned, null);
        }
        _back.Run(gradient, null, false, null, result);
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
        values, _inputs, rows, Scratch.PointerTo(_panels), _inputs, 0, _inputs, _padded, Scratch.PointerTo(_start), result, step);
}
