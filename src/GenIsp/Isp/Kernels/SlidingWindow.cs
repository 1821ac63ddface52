using static TorchSharp.torch;

namespace GenIsp.Isp.Kernels;

/// <summary>A window without gaps, over all channels of an image, and where it stands.</summary>
/// <param name="Height">Pixels that it covers, from top to bottom,</param>
/// <param name="Width">and from left to right.</param>
/// <param name="Channels">Of the image.</param>
/// <param name="Down">Pixels from one place to the one below,</param>
/// <param name="Right">and to the one beside.</param>
/// <param name="Above">Pixels by which the first place reaches beyond the image at the top,</param>
/// <param name="Left">and on the left.</param>
internal readonly record struct SlidingWindow(int Height, int Width, int Channels, int Down, int Right, int Above, int Left)
{
    /// <param name="weight">[out, in, height, width].</param>
    /// <param name="geometry">Without groups and dilation.</param>
    public SlidingWindow(Tensor weight, ConvolutionGeometry geometry)
        : this(
            checked((int)weight.shape[2]), checked((int)weight.shape[3]), checked((int)weight.shape[1]),
            checked((int)geometry.Strides[0]), checked((int)geometry.Strides[1]),
            checked((int)geometry.Padding[0]), checked((int)geometry.Padding[1]))
    {
    }

    /// <summary>Numbers in a row of it, in the order of memory.</summary>
    public int Row => Width * Channels;

    /// <summary>Numbers in all.</summary>
    public int Taps => Height * Row;
}
