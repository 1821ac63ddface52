using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace GenIsp.Isp.Fused;

/// <summary>The kernels for one width of vectors.</summary>
internal abstract unsafe class FusedKernels
{
    /// <summary>The widest that the processor has.</summary>
    public static FusedKernels Best { get; } =
        Vector512.IsHardwareAccelerated ? new FusedKernels<Simd512, Vector512<float>>()
        : Vector256.IsHardwareAccelerated ? new FusedKernels<Simd256, Vector256<float>>()
        : new FusedKernels<Simd128, Vector128<float>>();

    /// <summary>What ConvWB or ConvCC say of a small copy.</summary>
    public abstract float[] Predict(ParameterNet net, FeatureMap picture, ParallelOptions threads);

    /// <summary>Sums over the first convolution's channels: [2: sum and sum of squares, 16].</summary>
    public abstract double[] SumFirst(ShallowPass pass, ParallelOptions threads);

    /// <summary>Sums over the second convolution's channels: [2: sum and sum of squares, 64].</summary>
    public abstract double[] SumSecond(ShallowPass pass, float[] weights, ParallelOptions threads);

    /// <summary>The picture.</summary>
    /// <param name="pass">All weights, scaled.</param>
    /// <param name="output">[3, H, W].</param>
    /// <param name="finish">Called with each strip that is done: its first row, and how many.</param>
    /// <param name="threads">At most so many work on it.</param>
    public abstract void Develop(ShallowPass pass, float* output, Action<int, int>? finish, ParallelOptions threads);
}

/// <inheritdoc/>
internal sealed unsafe class FusedKernels<TSimd, TVector> : FusedKernels
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    private const int Rows = FeatureBlock<TSimd, TVector>.Rows;

    /// <inheritdoc/>
    public override float[] Predict(ParameterNet net, FeatureMap picture, ParallelOptions threads) =>
        net.Run<TSimd, TVector>(picture, threads);

    /// <inheritdoc/>
    public override double[] SumFirst(ShallowPass pass, ParallelOptions threads)
    {
        const int Size = 2 * ShallowWeights.First;
        var parts = new double[Strips(pass) * Size];
        ForEachStrip(
            pass, () => new FirstSums<TSimd, TVector>(pass),
            (strip, index) => strip.Run(index * Rows, parts.AsSpan(index * Size, Size)), threads);
        return Add<double>(parts, Size);
    }

    /// <inheritdoc/>
    public override double[] SumSecond(ShallowPass pass, float[] weights, ParallelOptions threads)
    {
        const int Size = SecondSums.Moments;
        using var edges = new FeatureEdges(pass.Picture.Width, pass.Picture.Height);
        using var scratch = new Scratch(Strips(pass) * Size);
        var parts = scratch.Take(Strips(pass) * Size);
        ForEachStrip(
            pass, () => new SecondMoments<TSimd, TVector>(pass, edges),
            (strip, index) => strip.Run(index * Rows, parts + index * Size), threads);
        return SecondSums.Of<TSimd, TVector>(weights, Add(new ReadOnlySpan<float>(parts, Strips(pass) * Size), Size), edges);
    }

    /// <inheritdoc/>
    public override void Develop(ShallowPass pass, float* output, Action<int, int>? finish, ParallelOptions threads) =>
        ForEachStrip(
            pass, () => new PictureStrip<TSimd, TVector>(pass),
            (strip, index) =>
            {
                strip.Develop(index * Rows, output);
                finish?.Invoke(index * Rows, Math.Min(Rows, pass.Picture.Height - index * Rows));
            },
            threads);

    // Parts of the picture are added up in their own order, so that the result is the same with any number of threads.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double[] Add<T>(ReadOnlySpan<T> parts, int size)
        where T : INumber<T>
    {
        var sums = new double[size];
        for (var start = 0; start < parts.Length; start += size)
        {
            var part = parts.Slice(start, size);
            for (var i = 0; i < sums.Length; i++)
                sums[i] += double.CreateTruncating(part[i]);
        }
        return sums;
    }

    private static void ForEachStrip<T>(ShallowPass pass, Func<T> worker, Action<T, int> work, ParallelOptions threads)
        where T : IDisposable =>
        Parallel.For(
            0, Strips(pass), threads, worker,
            (index, _, strip) =>
            {
                work(strip, index);
                return strip;
            },
            strip => strip.Dispose());

    private static int Strips(ShallowPass pass) => (pass.Picture.Height + Rows - 1) / Rows;
}
