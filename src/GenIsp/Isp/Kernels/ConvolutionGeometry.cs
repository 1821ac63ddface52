using static TorchSharp.torch;

namespace GenIsp.Isp.Kernels;

/// <summary>Where the window of a convolution stands; height first, then width.</summary>
/// <param name="Strides">From one place to the next.</param>
/// <param name="Padding">Zeros at either side.</param>
/// <param name="Dilation">From one pixel of the window to the next.</param>
/// <param name="Groups">Parts of the channels that have nothing to do with each other.</param>
internal sealed record ConvolutionGeometry(long[] Strides, long[] Padding, long[] Dilation, long Groups)
{
    /// <summary>A square window whose output is as large as the image, divided by the stride.</summary>
    public static ConvolutionGeometry Same(int kernel, int stride = 1) => new([stride, stride], [kernel / 2, kernel / 2], [1, 1], 1);

    /// <summary>Where the turned window stands whose convolution is this one's gradient to the image; null where none is.</summary>
    /// <param name="height">Of the window.</param>
    /// <param name="width">Of the window.</param>
    public ConvolutionGeometry? Turned(long height, long width) =>
        Strides is [1, 1] && Dilation is [1, 1] && Padding[0] < height && Padding[1] < width
            ? this with { Padding = [height - 1 - Padding[0], width - 1 - Padding[1]] }
            : null;

    /// <summary>Pixels from one end of the window to the other.</summary>
    public long Reach(int axis, Tensor weight) => Dilation[axis] * (weight.shape[2 + axis] - 1) + 1;
}
