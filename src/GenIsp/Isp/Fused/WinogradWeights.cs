using System.Numerics;
using System.Runtime.CompilerServices;

namespace GenIsp.Isp.Fused;

/// <summary>Weights of a 3×3 convolution as <see cref="Winograd{TSimd, TVector}"/> multiplies with them.</summary>
internal static unsafe class WinogradWeights
{
    /// <summary>Position (1, 1): the only one that all pixels of a tile take once, so that what is added there is added to them all.</summary>
    public const int Everywhere = 7;

    // G of F(4, 3), for the points 0, ±1, ±2 and infinity.
    private static readonly double[,] G =
    {
        { 1 / 4.0, 0, 0 }, { -1 / 6.0, -1 / 6.0, -1 / 6.0 }, { -1 / 6.0, 1 / 6.0, -1 / 6.0 },
        { 1 / 24.0, 1 / 12.0, 1 / 6.0 }, { 1 / 24.0, -1 / 12.0, 1 / 6.0 }, { 0, 0, 1 },
    };

    /// <summary>G·g·Gᵀ of each pair of channels.</summary>
    /// <param name="weights">[outputs, inputs, 3, 3].</param>
    /// <param name="outputs">How many there are.</param>
    /// <param name="result">[36, inputs, outputs].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transform(ReadOnlySpan<float> weights, int outputs, Span<float> result)
    {
        var inputs = weights.Length / 9 / outputs;
        // All outputs of an input side by side.
        double[] taps = new double[9 * outputs], halves = new double[18 * outputs], sums = new double[outputs];
        fixed (double* g = taps, half = halves, sum = sums)
        {
            for (var input = 0; input < inputs; input++)
            {
                for (var output = 0; output < outputs; output++)
                {
                    for (var tap = 0; tap < 9; tap++)
                        g[tap * outputs + output] = weights[(output * inputs + input) * 9 + tap];
                }
                for (var i = 0; i < 18; i++)
                    Combine(i / 3, g + i % 3 * outputs, 3 * outputs, half + i * outputs, outputs);
                for (var position = 0; position < 36; position++)
                {
                    Combine(position % 6, half + position / 6 * 3 * outputs, outputs, sum, outputs);
                    var to = result.Slice((position * inputs + input) * outputs, outputs);
                    for (var output = 0; output < to.Length; output++)
                        to[output] = (float)sum[output];
                }
            }
        }
    }

    // A row of G times three vectors, so far apart.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Combine(int row, double* from, int step, double* to, int count)
    {
        var (a, b, c) = (G[row, 0], G[row, 1], G[row, 2]);
        var i = 0;
        for (; i <= count - Vector<double>.Count; i += Vector<double>.Count)
            (a * Vector.Load(from + i) + b * Vector.Load(from + step + i) + c * Vector.Load(from + 2 * step + i)).Store(to + i);
        for (; i < count; i++)
            to[i] = a * from[i] + b * from[step + i] + c * from[2 * step + i];
    }
}
