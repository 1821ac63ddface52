namespace GenIsp.Isp.Fused;

/// <summary>What a pass over the picture works with. The arrays are allocated pinned, but for <paramref name="Start3"/>.</summary>
/// <param name="Picture">What is developed.</param>
/// <param name="Slope">LeakyReLU's.</param>
/// <param name="Conv1">[27, 16]: the first convolution, scaled by its norm.</param>
/// <param name="Start1">[16]: what its sums begin with.</param>
/// <param name="Conv2">[36, 16, 64]: the second, for Winograd, scaled by its norm; empty until that is known.</param>
/// <param name="Start2">[64].</param>
/// <param name="Conv3">[3, 64]: the third.</param>
/// <param name="Start3">[3].</param>
internal sealed record ShallowPass(
    LinearPicture Picture, float Slope, float[] Conv1, float[] Start1, float[] Conv2, float[] Start2, float[] Conv3, float[] Start3);
