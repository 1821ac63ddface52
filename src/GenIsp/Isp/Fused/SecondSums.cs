using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace GenIsp.Isp.Fused;

/// <summary>
/// Sums over the second convolution's channels, from moments of its input: Σ (Σ w · f)² = wᵀ·M·w, where M holds Σ f(p + t) · f(p + t′). Over
/// a picture with zeros around it, and results one pixel beyond its edges, M depends only on t′ − t: 25 shifts, half of them mirrored. The
/// results beyond the edges are taken away again.
/// </summary>
internal static unsafe class SecondSums
{
    /// <summary>Where <see cref="Correlation{TSimd, TVector}"/> takes its products.</summary>
    public const int Points = 6 * 8;

    /// <summary>Products of two channels.</summary>
    public const int Pairs = Inputs * Inputs;

    /// <summary>What is summed over the picture.</summary>
    public const int Moments = Points * Pairs + Inputs;

    private const int Inputs = ShallowWeights.First;
    private const int Outputs = ShallowWeights.Second;
    private const int Taps = Inputs * 9;

    // Correlation's last transforms, for the points 0, ±1, ±2, (±½,) and infinity.
    private static readonly double[,] Rows =
    {
        { 1 / 4.0, -1 / 6.0, -1 / 6.0, 1 / 24.0, 1 / 24.0, 0 }, { 0, -1 / 6.0, 1 / 6.0, 1 / 12.0, -1 / 12.0, 0 },
        { 0, -1 / 6.0, -1 / 6.0, 1 / 6.0, 1 / 6.0, 1 },
    };

    private static readonly double[,] Columns =
    {
        { 1, -2 / 9.0, -2 / 9.0, 1 / 90.0, 1 / 90.0, 4 / 45.0, 4 / 45.0, 0 },
        { 0, -2 / 9.0, 2 / 9.0, 1 / 45.0, -1 / 45.0, 2 / 45.0, -2 / 45.0, 0 },
        { 0, -2 / 9.0, -2 / 9.0, 2 / 45.0, 2 / 45.0, 1 / 45.0, 1 / 45.0, 0 },
        { 0, -2 / 9.0, 2 / 9.0, 4 / 45.0, -4 / 45.0, 1 / 90.0, -1 / 90.0, 0 },
        { 0, -2 / 9.0, -2 / 9.0, 8 / 45.0, 8 / 45.0, 1 / 180.0, 1 / 180.0, 1 },
    };

    /// <summary>[2: sum and sum of squares, 64].</summary>
    /// <param name="weights">[64, 16, 3, 3].</param>
    /// <param name="moments">[48, 16, 16] and [16]: <see cref="SecondMoments{TSimd, TVector}"/>' over the picture.</param>
    /// <param name="edges">Of the features.</param>
    public static double[] Of<TSimd, TVector>(float[] weights, double[] moments, FeatureEdges edges)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        var result = new double[2 * Outputs];
        var matrix = Matrix(Shifts(moments));
        var products = new double[Taps];
        var sums = moments.AsSpan(Points * Pairs);
        for (var output = 0; output < Outputs; output++)
        {
            var kernel = weights.AsSpan(output * Taps, Taps);
            Array.Clear(products);
            for (var tap = 0; tap < Taps; tap++)
            {
                AddProduct(matrix.AsSpan(tap * Taps, Taps), kernel[tap], products);
                result[output] += kernel[tap] * sums[tap / 9];
            }
            for (var tap = 0; tap < Taps; tap++)
                result[Outputs + output] += kernel[tap] * products[tap];
        }
        Subtract<TSimd, TVector>(edges.Top, 0, EdgeWeights(weights, isRow: true, 2), result);
        Subtract<TSimd, TVector>(edges.Bottom, 0, EdgeWeights(weights, isRow: true, 0), result);
        Subtract<TSimd, TVector>(edges.Left, 1, EdgeWeights(weights, isRow: false, 2), result);
        Subtract<TSimd, TVector>(edges.Right, 1, EdgeWeights(weights, isRow: false, 0), result);
        return result;
    }

    // [3 rows, 5 columns from −2 on, 16, 16].
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double[] Shifts(double[] moments)
    {
        var half = new double[3 * 8 * Pairs];
        for (var i = 0; i < Points * 3; i++)
            AddProduct(moments.AsSpan(i / 3 * Pairs, Pairs), Rows[i % 3, i / 24], half.AsSpan((i % 3 * 8 + i / 3 % 8) * Pairs, Pairs));
        var result = new double[15 * Pairs];
        for (var i = 0; i < 3 * 8 * 5; i++)
        {
            var (row, point, column) = (i / 40, i / 5 % 8, i % 5);
            AddProduct(
                half.AsSpan((row * 8 + point) * Pairs, Pairs), Columns[column, point], result.AsSpan((row * 5 + column) * Pairs, Pairs));
        }
        return result;
    }

    // [144, 144], channel after channel.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double[] Matrix(double[] shifts)
    {
        var result = new double[Taps * Taps];
        for (var i = 0; i < Taps; i++)
        {
            for (var j = 0; j < Taps; j++)
            {
                var (row, column) = (j / 3 % 3 - i / 3 % 3, j % 3 - i % 3);
                var isMirrored = row < 0;
                var shift = isMirrored ? -row * 5 + 2 - column : row * 5 + 2 + column;
                var (first, second) = isMirrored ? (j / 9, i / 9) : (i / 9, j / 9);
                result[i * Taps + j] = shifts[shift * Pairs + first * Inputs + second];
            }
        }
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddProduct(ReadOnlySpan<double> values, double factor, Span<double> sums)
    {
        var from = MemoryMarshal.Cast<double, Vector<double>>(values);
        var to = MemoryMarshal.Cast<double, Vector<double>>(sums);
        for (var i = 0; i < to.Length; i++)
            to[i] += from[i] * factor;
    }

    // [3 along the edge, 16, 64]: the row or column of the kernel that reaches into the picture.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float[] EdgeWeights(float[] weights, bool isRow, int index)
    {
        var result = GC.AllocateUninitializedArray<float>(3 * Inputs * Outputs, pinned: true);
        for (var i = 0; i < result.Length; i++)
        {
            var (along, input, output) = (i / Outputs / Inputs, i / Outputs % Inputs, i % Outputs);
            result[i] = weights[(output * Inputs + input) * 9 + (isRow ? index * 3 + along : along * 3 + index)];
        }
        return result;
    }

    // The results beyond an edge, corners included unless skipped.
    private static void Subtract<TSimd, TVector>(FeatureMap edge, int skip, float[] weights, double[] sums)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        const int Chunk = 48;
        var length = edge.Width - 2 - 2 * skip;
        int[] sizes = [3 * Inputs, Chunk * Outputs, 2 * Outputs];
        using var scratch = new Scratch(sizes);
        var offsets = (int*)scratch.Take(sizes[0]);
        for (var i = 0; i < 3 * Inputs; i++)
            offsets[i] = i;
        float* results = scratch.Take(sizes[1]), part = scratch.Take(sizes[2]);
        for (var start = 0; start < length; start += Chunk)
        {
            var count = Math.Min(Chunk, length - start);
            new Span<float>(part, Outputs).Clear();
            Products<TSimd, TVector>.Run(
                edge.Values + (start + skip) * Inputs, Inputs, count, offsets, 3 * Inputs, Scratch.PointerTo(weights), Outputs,
                part, 1, results, Outputs);
            Add<TSimd, TVector>(results, count, part);
            for (var i = 0; i < sums.Length; i++)
                sums[i] -= part[i];
        }
    }

    // [count, 64] → [2: sum and sum of squares, 64].
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Add<TSimd, TVector>(float* values, int count, float* result)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        for (var output = 0; output < Outputs; output += TSimd.Count)
        {
            TVector sum = default, squares = default;
            for (var i = 0; i < count; i++)
            {
                var value = TSimd.Load(values + i * Outputs + output);
                (sum, squares) = (TSimd.Add(sum, value), TSimd.MultiplyAdd(value, value, squares));
            }
            TSimd.Store(sum, result + output);
            TSimd.Store(squares, result + Outputs + output);
        }
    }
}
