using GenIsp.Isp;
using GenIsp.Isp.Fused;
using static TorchSharp.torch;

namespace GenIsp.Detection.Kernels;

/// <summary>A kernel for one width of vectors.</summary>
/// <param name="weight">[out, in, height, width].</param>
/// <param name="geometry">Where the window stands.</param>
internal abstract unsafe class SimdKernel<TSimd, TVector>(Tensor weight, ConvolutionGeometry geometry) : ConvolutionKernel(weight, geometry)
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    // Numbers of an image that a thread works on at once.
    private const int Block = 1 << 16;

    private protected sealed override int VectorLength => TSimd.Count;

    private protected sealed override void RunBackThroughRelu(Tensor gradient, Tensor signs, Tensor result)
    {
        var count = gradient.numel();
        float* from = gradient.Pointer(), to = result.Pointer();
        var bits = (ushort*)signs.Pointer();
        Planes.ForEach(checked((int)((count + Block - 1) / Block)), block =>
        {
            var place = (nint)block * Block;
            Epilogue<TSimd, TVector>.Back(from + place, bits + place / TSimd.Count, (nint)Math.Min(Block, count - place), to + place);
        });
    }

    private protected static Epilogue<TSimd, TVector> EpilogueOf(Tensor? addend, bool relu, Tensor? signs) =>
        new(addend is null ? null : addend.Pointer(), relu, signs is null ? null : (ushort*)signs.Pointer());
}
