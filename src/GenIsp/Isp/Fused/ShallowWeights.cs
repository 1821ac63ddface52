using System.Runtime.CompilerServices;
using GenIsp.Weights;

namespace GenIsp.Isp.Fused;

/// <summary>The Shallow ConvNet's weights, in the order in which the kernels read them.</summary>
internal sealed class ShallowWeights
{
    /// <summary>Channels after the first convolution.</summary>
    public const int First = 16;

    /// <summary>Channels after the second convolution.</summary>
    public const int Second = 64;

    /// <summary>Neighbours of the first convolution: 3 rows, 3 channels, 3 columns.</summary>
    public const int Taps = 27;

    private readonly float[] _conv1;
    private readonly float[] _winograd = new float[36 * First * Second];

    public ShallowWeights(StateDict weights)
    {
        float[] Read(string name) => weights[$"shallow.{name}"].ToSingles();
        Plain1 = Read("conv1.weight");
        Bias1 = Read("conv1.bias");
        Plain2 = Read("conv2.weight");
        Bias2 = Read("conv2.bias");
        Weight3 = Read("conv3.weight");
        Conv3 = Scratch.Pinned(Weight3);
        Bias3 = Read("conv3.bias");
        if (weights.ContainsKey("shallow.norm1.weight"))
        {
            Norm1 = (Read("norm1.weight"), Read("norm1.bias"));
            Norm2 = (Read("norm2.weight"), Read("norm2.bias"));
        }
        _conv1 = new float[First * Taps];
        for (var i = 0; i < _conv1.Length; i++)
        {
            var (output, channel, row, column) = (i / 27, i / 9 % 3, i / 3 % 3, i % 3);
            _conv1[((row * 3 + channel) * 3 + column) * First + output] = Plain1[i];
        }
        WinogradWeights.Transform(Plain2, Second, _winograd);
    }

    /// <summary>[16, 3, 3, 3], as in the file.</summary>
    public float[] Plain1 { get; }

    /// <summary>[16].</summary>
    public float[] Bias1 { get; }

    /// <summary>[64, 16, 3, 3], as in the file.</summary>
    public float[] Plain2 { get; }

    /// <summary>[64].</summary>
    public float[] Bias2 { get; }

    /// <summary>[3, 64].</summary>
    public float[] Weight3 { get; }

    /// <summary>The same, where the kernels can point at it.</summary>
    public float[] Conv3 { get; }

    /// <summary>[3].</summary>
    public float[] Bias3 { get; }

    /// <summary>What InstanceNorm learned after the first convolution, if it may.</summary>
    public (float[] Scale, float[] Shift)? Norm1 { get; }

    /// <summary>The same after the second.</summary>
    public (float[] Scale, float[] Shift)? Norm2 { get; }

    /// <summary>The first convolution, each channel scaled: [taps, 16], taps in the order row, channel, column.</summary>
    public float[] Conv1(float[] scales) => Scaled(_conv1, scales);

    /// <summary>The second convolution for Winograd, each channel scaled: [36, 16, 64].</summary>
    public float[] Conv2(float[] scales) => Scaled(_winograd, scales);

    // [any, outputs]; where the kernels can point at it.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float[] Scaled(float[] weights, float[] scales)
    {
        var result = GC.AllocateUninitializedArray<float>(weights.Length, pinned: true);
        for (var i = 0; i < result.Length; i += scales.Length)
        {
            for (var output = 0; output < scales.Length; output++)
                result[i + output] = weights[i + output] * scales[output];
        }
        return result;
    }
}
