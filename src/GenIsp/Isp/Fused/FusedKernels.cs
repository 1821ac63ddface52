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
    public abstract float[] Predict(ParameterNet net, FeaturePlanes picture, ParallelOptions threads);

    /// <summary>Sums over the first convolution's channels: [16, 2: sum and sum of squares].</summary>
    public abstract double[] SumFirst(ShallowPass pass, ParallelOptions threads);

    /// <summary>Sums over the second convolution's channels: [64, 2: sum and sum of squares].</summary>
    public abstract double[] SumSecond(ShallowPass pass, ParallelOptions threads);

    /// <summary>The picture.</summary>
    /// <param name="pass">All weights, scaled.</param>
    /// <param name="output">[3, H, W].</param>
    /// <param name="finish">Called with each block that is done: x, y, width, height.</param>
    /// <param name="threads">At most so many work on it.</param>
    public abstract void Develop(ShallowPass pass, float* output, Action<int, int, int, int>? finish, ParallelOptions threads);
}

/// <inheritdoc/>
internal sealed unsafe class FusedKernels<TSimd, TVector> : FusedKernels
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    private const int Rows = ShallowBlock<TSimd, TVector>.Rows;

    private static int Columns => ShallowBlock<TSimd, TVector>.Columns;

    /// <inheritdoc/>
    public override float[] Predict(ParameterNet net, FeaturePlanes picture, ParallelOptions threads) =>
        net.Run<TSimd, TVector>(picture, threads);

    /// <inheritdoc/>
    public override double[] SumFirst(ShallowPass pass, ParallelOptions threads) =>
        Sum(pass, ShallowWeights.First, (block, x, y, sums) => block.SumFirst(x, y, sums), threads);

    /// <inheritdoc/>
    public override double[] SumSecond(ShallowPass pass, ParallelOptions threads) =>
        Sum(pass, ShallowWeights.Second, (block, x, y, sums) => block.SumSecond(x, y, sums), threads);

    /// <inheritdoc/>
    public override void Develop(ShallowPass pass, float* output, Action<int, int, int, int>? finish, ParallelOptions threads) =>
        ForEachBlock(
            pass,
            (block, x, y, _) =>
            {
                block.Develop(x, y, output);
                finish?.Invoke(x, y, Math.Min(Columns, pass.Picture.Width - x), Math.Min(Rows, pass.Picture.Height - y));
            },
            threads);

    private delegate void Adder(ShallowBlock<TSimd, TVector> block, int x, int y, Span<double> sums);

    // Blocks are added up in their own order, so that the result is the same with any number of threads.
    private static double[] Sum(ShallowPass pass, int channels, Adder add, ParallelOptions threads)
    {
        var parts = new double[Blocks(pass) * channels * 2];
        ForEachBlock(pass, (block, x, y, index) => add(block, x, y, parts.AsSpan(index * channels * 2, channels * 2)), threads);
        var sums = new double[channels * 2];
        for (var i = 0; i < parts.Length; i++)
            sums[i % sums.Length] += parts[i];
        return sums;
    }

    private static void ForEachBlock(ShallowPass pass, Action<ShallowBlock<TSimd, TVector>, int, int, int> work, ParallelOptions threads)
    {
        var across = Across(pass);
        Parallel.For(
            0, Blocks(pass), threads, () => new ShallowBlock<TSimd, TVector>(pass),
            (index, _, block) =>
            {
                work(block, index % across * Columns, index / across * Rows, index);
                return block;
            },
            _ => { });
    }

    private static int Across(ShallowPass pass) => (pass.Picture.Width + Columns - 1) / Columns;

    private static int Blocks(ShallowPass pass) => checked(Across(pass) * ((pass.Picture.Height + Rows - 1) / Rows));
}
