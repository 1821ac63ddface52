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

    private readonly float* _panels;
    private readonly float* _start;
    private ProductKernel<TSimd, TVector>? _back;

    /// <param name="weight">[out, in, 1, 1].</param>
    /// <param name="bias">[out], or null.</param>
    public ProductKernel(Tensor weight, Tensor? bias)
        : base(weight, ConvolutionGeometry.Same(1))
    {
        using var rows = weight.flatten(1);
        using var matrix = rows.t();
        _panels = Pack(matrix, Outputs);
        _start = StartOf(bias, Padded);
    }

    public override void Run(Pixels image, float* addend, Activation activation, void* kept, Pixels result)
    {
        var epilogue = new Epilogue<TSimd, TVector>(addend, activation, kept);
        float* from = image.At(0, 0), to = result.At(0, 0);
        var rows = (long)image.Pictures * image.Size;
        Planes.ForEach(checked((int)((rows + RowsTogether - 1) / RowsTogether)), (long)RowsTogether * Inputs * Padded, chunk =>
        {
            var start = (nint)chunk * RowsTogether;
            var here = (int)Math.Min(RowsTogether, rows - start);
            Multiply(from + start * Inputs, here, to + start * Outputs);
            if (!epilogue.IsEmpty)
                epilogue.Apply(to + start * Outputs, start * Outputs, here * Outputs);
        });
    }

    private protected override void MakeBack() => _back = Own(new ProductKernel<TSimd, TVector>(Weight.transpose(0, 1), null));

    private protected override void RunPreparedBack(Pixels gradient, Pixels result) => _back!.Run(gradient, null, default, null, result);

    // What is left over of rows or columns is computed aside: it reads or writes more than there is.
    private void Multiply(float* values, int rows, float* result)
    {
        var together = Panels<TSimd, TVector>.Rows(Padded);
        var whole = rows / together * together;
        if (Outputs == Padded)
            Run(values, whole, result, Outputs);
        else
            RunAside(values, whole, whole, result);
        var rest = rows - whole;
        if (rest == 0)
            return;
        var padded = Panels<TSimd, TVector>.PaddedRows(rest, Padded);
        using var scratch = new Scratch(padded * Inputs);
        var copy = scratch.Take(padded * Inputs);
        var read = new Span<float>(copy, padded * Inputs);
        new ReadOnlySpan<float>(values + (nint)whole * Inputs, rest * Inputs).CopyTo(read);
        read[(rest * Inputs)..].Clear();
        RunAside(copy, padded, rest, result + (nint)whole * Outputs);
    }

    private void RunAside(float* values, int rows, int kept, float* result)
    {
        using var scratch = new Scratch(rows * Padded);
        var made = scratch.Take(rows * Padded);
        Run(values, rows, made, Padded);
        for (var row = 0; row < kept; row++)
            new ReadOnlySpan<float>(made + row * Padded, Outputs).CopyTo(new Span<float>(result + row * Outputs, Outputs));
    }

    private void Run(float* values, int rows, float* result, nint step) => Panels<TSimd, TVector>.Multiply(
        values, Inputs, rows, _panels, Inputs, 0, Inputs, Padded, _start, result, step);
}
