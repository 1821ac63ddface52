using GenIsp.Geometry;
using TorchSharp;
using static TorchSharp.torch;

namespace GenIsp.Detection;

/// <summary>In what order a detector wants the colours.</summary>
public enum ChannelOrder
{
    /// <summary>Red first.</summary>
    Rgb,

    /// <summary>Blue first, as OpenCV reads images.</summary>
    Bgr,
}

/// <summary>
/// How a detector wants its image: shrunk or enlarged to fit <paramref name="Width"/> × <paramref name="Height"/> with its aspect kept,
/// at the top left, the rest filled; values in 0..255, then (value − mean) / standard deviation.
/// </summary>
/// <param name="Width">Of the network's input, in pixels.</param>
/// <param name="Height">Of the network's input, in pixels.</param>
/// <param name="Pad">What fills the rest, 0..255, before mean and deviation.</param>
/// <param name="Channels">The order of the colours, in which mean and deviation are given too.</param>
/// <param name="Mean">Of each channel, in 0..255.</param>
/// <param name="Std">Standard deviation of each channel, in 0..255.</param>
public sealed record DetectorInput(
    int Width, int Height, float Pad, ChannelOrder Channels, (float, float, float) Mean, (float, float, float) Std)
{
    /// <summary>YOLOX's, since its version 0.1.1: BGR in 0..255, padded with 114.</summary>
    public static DetectorInput Yolox(int width, int height) => new(width, height, 114, ChannelOrder.Bgr, (0, 0, 0), (1, 1, 1));

    /// <summary>NanoDet-Plus's: BGR, normalised by ImageNet's means and deviations, padded with 0.</summary>
    public static DetectorInput NanoDet(int width, int height) =>
        new(width, height, 0, ChannelOrder.Bgr, (103.53f, 116.28f, 123.675f), (57.375f, 57.12f, 58.395f));

    /// <summary>How large an image becomes: sides are rounded down, as YOLOX's and most other letterboxes do.</summary>
    internal (int Width, int Height) Fit(int imageWidth, int imageHeight)
    {
        var scale = Math.Min((double)Height / imageHeight, (double)Width / imageWidth);
        return (Math.Max(1, (int)(imageWidth * scale)), Math.Max(1, (int)(imageHeight * scale)));
    }

    /// <summary>
    /// From the network's input to an image. Rounding makes the scales of the two axes differ a little, and each is exact.
    /// </summary>
    internal Frame Place(int imageWidth, int imageHeight)
    {
        var (width, height) = Fit(imageWidth, imageHeight);
        return new Frame(imageWidth, imageHeight).Resize(width, height).Crop(0, 0, Width, Height);
    }

    /// <summary>
    /// The network's input. A pure, differentiable function: bilinear, antialiased where it shrinks, as torchvision and Pillow do. An ISP's
    /// picture may be three times as large as the network's input: without, two of three pixels would be dropped, and noise be kept.
    /// </summary>
    /// <param name="image">[3, H, W], RGB, 0..1, floating-point.</param>
    /// <returns>[1, 3, <see cref="Height"/>, <see cref="Width"/>] of the same dtype, and the way from there to the image.</returns>
    internal (Tensor Input, Frame Frame) Apply(Tensor image)
    {
        if (image.dim() != 3 || image.shape[0] != 3 || image.numel() == 0)
            throw new ArgumentException($"The image is [{string.Join(", ", image.shape)}], not [3, H, W].", nameof(image));
        using var scope = NewDisposeScope();
        var (imageWidth, imageHeight) = ((int)image.shape[2], (int)image.shape[1]);
        var (width, height) = Fit(imageWidth, imageHeight);
        // What is right already is left alone, for a gradient goes back through each of these.
        var input = image.unsqueeze(0);
        if ((width, height) != (imageWidth, imageHeight))
            input = nn.functional.interpolate(input, [height, width], mode: InterpolationMode.Bilinear, align_corners: false, antialias: true);
        input = input.Times(255);
        if ((width, height) != (Width, Height))
            input = nn.functional.pad(input, [0, Width - width, 0, Height - height], PaddingModes.Constant, Pad);
        if (Channels == ChannelOrder.Bgr)
            input = input.flip(1);
        if (Mean != (0, 0, 0) || Std != (1, 1, 1))
            input = (input - PerChannel(Mean, image)) / PerChannel(Std, image);
        return (input.MoveToOuterDisposeScope(), Place(imageWidth, imageHeight));
    }

    private static Tensor PerChannel((float, float, float) values, Tensor image) =>
        tensor([values.Item1, values.Item2, values.Item3], [1, 3, 1, 1], dtype: image.dtype, device: image.device);
}
