using GenIsp.Isp.Fused;
using static TorchSharp.torch;

namespace GenIsp.Isp.Kernels;

/// <summary>A kernel for one width of vectors.</summary>
/// <param name="weight">[out, in, height, width].</param>
/// <param name="geometry">Where the window stands.</param>
internal abstract unsafe class SimdKernel<TSimd, TVector>(Tensor weight, ConvolutionGeometry geometry) : ConvolutionKernel(weight, geometry)
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    // Numbers of an image that a thread works on at once.
    private const int Block = 1 << 16;

    /// <summary>Columns of the panels.</summary>
    private protected int Padded { get; } = Panels<TSimd, TVector>.PaddedColumns(checked((int)weight.shape[0]));

    private protected sealed override int VectorLength => TSimd.Count;

    private protected sealed override void RunBackThroughRelu(Tensor gradient, Tensor signs, Tensor result)
    {
        var count = (nint)gradient.numel();
        float* from = gradient.Pointer<float>(), to = result.Pointer<float>();
        var bits = signs.Pointer<ushort>();
        ForEachBlock(count, (place, here) => Epilogue<TSimd, TVector>.Back(from + place, bits + place / TSimd.Count, here, to + place));
    }

    /// <summary>Works on many numbers, some of them at a time: from a place on, which is a multiple of the vector's length, so many.</summary>
    private protected static void ForEachBlock(nint count, Action<nint, nint> work) => Planes.ForEach(
        checked((int)((count + Block - 1) / Block)), block => work((nint)block * Block, Math.Min(Block, count - (nint)block * Block)));

    private protected static Epilogue<TSimd, TVector> EpilogueOf(Tensor? addend, bool relu, Tensor? signs) =>
        new(addend is null ? null : addend.Pointer<float>(), relu, signs is null ? null : signs.Pointer<ushort>());
}
