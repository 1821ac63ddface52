using System.Runtime.CompilerServices;

namespace GenIsp.Isp.Fused;

/// <summary>Weights of a 3×3 convolution as <see cref="Winograd{TSimd, TVector}"/> multiplies with them.</summary>
internal static class WinogradWeights
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
    /// <returns>[36, inputs, outputs].</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float[] Transform(float[] weights, int outputs)
    {
        var inputs = weights.Length / 9 / outputs;
        var result = new float[outputs * inputs * 36];
        var half = new double[6, 3];
        for (var output = 0; output < outputs; output++)
        {
            for (var input = 0; input < inputs; input++)
            {
                var g = weights.AsSpan((output * inputs + input) * 9, 9);
                for (var i = 0; i < 6; i++)
                {
                    for (var column = 0; column < 3; column++)
                        half[i, column] = G[i, 0] * g[column] + G[i, 1] * g[3 + column] + G[i, 2] * g[6 + column];
                }
                for (var position = 0; position < 36; position++)
                {
                    var (i, j) = (position / 6, position % 6);
                    var value = half[i, 0] * G[j, 0] + half[i, 1] * G[j, 1] + half[i, 2] * G[j, 2];
                    result[(position * inputs + input) * outputs + output] = (float)value;
                }
            }
        }
        return result;
    }
}
