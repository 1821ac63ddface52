using GenIsp.Isp.Fused;
using static TorchSharp.torch;

namespace GenIsp.Isp.Kernels;

/// <summary>A kernel for one width of vectors.</summary>
/// <param name="weight">[out, in / groups, height, width].</param>
/// <param name="geometry">Where the window stands.</param>
internal abstract unsafe class SimdKernel<TSimd, TVector>(Tensor weight, ConvolutionGeometry geometry) : ConvolutionKernel(weight, geometry)
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    // To read and write one, and what lies between.
    private const int OperationsANumber = 32;

    private readonly List<IDisposable> _owned = [];
    private readonly Lock _preparing = new();
    private bool _isPrepared;

    /// <summary>Columns of the panels.</summary>
    private protected int Padded { get; } = Panels<TSimd, TVector>.PaddedColumns(checked((int)weight.shape[0]));

    public sealed override void Dispose()
    {
        base.Dispose();
        _owned.ForEach(part => part.Dispose());
    }

    public sealed override void PrepareBack()
    {
        lock (_preparing)
        {
            if (_isPrepared)
                return;
            using var scope = NewDisposeScope();
            using var quiet = no_grad();
            MakeBack();
            _isPrepared = true;
        }
    }

    public sealed override void RunBack(Pixels gradient, Pixels result)
    {
        PrepareBack();
        RunPreparedBack(gradient, result);
    }

    /// <summary>
    /// Makes what <see cref="RunPreparedBack"/> needs, of <see cref="ConvolutionKernel.Weight"/>. Of a kernel in it only its numbers are kept:
    /// nobody goes back through that one.
    /// </summary>
    private protected abstract void MakeBack();

    /// <summary>The gradient of the image.</summary>
    private protected abstract void RunPreparedBack(Pixels gradient, Pixels result);

    /// <summary>What goes with this kernel.</summary>
    private protected T Own<T>(T part)
        where T : IDisposable
    {
        _owned.Add(part);
        return part;
    }

    /// <summary>
    /// Memory that goes with this kernel, not set; libtorch's, for the collector would give each step's weights fresh pages.
    /// </summary>
    private protected float* Allocate(int count) =>
        Own(empty(count, dtype: ScalarType.Float32).DetachFromDisposeScope()).Pointer<float>();

    /// <summary>Weights in the order of memory, without a gradient.</summary>
    private protected static Tensor Ordered(Tensor weights)
    {
        using var plain = weights.detach();
        return plain.contiguous();
    }

    /// <summary>A matrix [any, columns] in panels.</summary>
    private protected float* Pack(Tensor matrix, int columns)
    {
        using var inOrder = Ordered(matrix);
        var numbers = new ReadOnlySpan<float>(inOrder.Pointer<float>(), checked((int)inOrder.numel()));
        var depth = numbers.Length / columns;
        var count = checked(depth * Panels<TSimd, TVector>.PaddedColumns(columns));
        var panels = Allocate(count);
        Panels<TSimd, TVector>.Pack(numbers, depth, columns, new Span<float>(panels, count));
        return panels;
    }

    /// <summary>A bias in all columns of the panels, with zeros to the end, or nothing but zeros.</summary>
    private protected float* StartOf(Tensor? bias, int padded)
    {
        var start = Allocate(padded);
        var all = new Span<float>(start, padded);
        all.Clear();
        bias?.Numbers<float>().CopyTo(all);
        return start;
    }

    private protected sealed override int VectorLength => TSimd.Count;

    public sealed override void RunBackThrough(Activation activation, Pixels gradient, void* kept, Pixels result)
    {
        var count = gradient.Count;
        float* from = gradient.At(0, 0), to = result.At(0, 0);
        if (activation.Kind == ActivationKind.Silu)
        {
            var before = (float*)kept;
            Planes.ForEachBlock(count, OperationsANumber, (place, here) => Silu<TSimd, TVector>.Back(from + place, before + place, here, to + place));
            return;
        }
        var signs = (ushort*)kept;
        Planes.ForEachBlock(count, OperationsANumber, (place, here) => Epilogue<TSimd, TVector>.Back(
            from + place, signs + place / TSimd.Count, here, activation.Slope, to + place));
    }

    /// <summary>What follows a convolution, on the whole result.</summary>
    private protected static void Apply(Epilogue<TSimd, TVector> epilogue, Pixels result)
    {
        if (!epilogue.IsEmpty)
            Planes.ForEachBlock(result.Count, OperationsANumber, (place, count) => epilogue.Apply(result.At(0, 0) + place, place, count));
    }
}
