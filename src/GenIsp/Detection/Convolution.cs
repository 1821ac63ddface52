using GenIsp.Isp;
using GenIsp.Isp.Kernels;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace GenIsp.Detection;

/// <summary>
/// Libtorch's convolutions, in the forms that it computes rightly on every machine: of channels-last images, 1×1 as products of matrices,
/// and none of an image that is smaller than the window.
/// </summary>
/// <remarks>
/// Where a virtual machine hides its caches from CPUID, oneDNN 3.7 takes those of AMD's processors for one byte large. Of plain images, a
/// third of random convolutions came out wrong there, without a word; of channels-last ones only those left out here, one of which
/// (1×1, 256 → 1024) ended the process with a division by zero.
/// </remarks>
internal static class Convolution
{
    /// <summary>Whether each pixel is multiplied by a matrix, and no more.</summary>
    /// <param name="weight">[out, in / groups, height, width].</param>
    /// <param name="geometry">Where its window stands.</param>
    public static bool IsProduct(Tensor weight, ConvolutionGeometry geometry) => geometry.Groups == 1 && weight.shape is [_, _, 1, 1];

    /// <summary>The convolution.</summary>
    /// <param name="image">[N, in, H, W].</param>
    /// <param name="weight">[out, in / groups, height, width].</param>
    /// <param name="bias">[out], or null.</param>
    /// <param name="geometry">Where its window stands.</param>
    /// <returns>[N, out, H', W'], channels-last.</returns>
    public static Tensor Apply(Tensor image, Tensor weight, Tensor? bias, ConvolutionGeometry geometry)
    {
        image = Pixels.ChannelsLast(image);
        if (!IsProduct(weight, geometry))
            return Slide(image, Pixels.ChannelsLast(weight), bias, geometry);
        var strided = Strided(image, geometry);
        return Image(functional.linear(Rows(strided), weight.flatten(1), bias), strided.shape);
    }

    /// <summary>The convolution by a window of more than one pixel, or in groups.</summary>
    /// <param name="image">[N, in, H, W], channels-last.</param>
    /// <param name="weight">[out, in / groups, height, width], channels-last.</param>
    /// <param name="bias">[out], or null.</param>
    /// <param name="geometry">Where the window stands.</param>
    /// <returns>[N, out, H', W'], channels-last.</returns>
    public static Tensor Slide(Tensor image, Tensor weight, Tensor? bias, ConvolutionGeometry geometry)
    {
        if (image.shape[2] < geometry.Reach(0, weight) || image.shape[3] < geometry.Reach(1, weight))
            (image, geometry) = (Padded(image, geometry), geometry with { Padding = [0, 0] });
        return functional.conv2d(image, weight, bias, geometry.Strides, geometry.Padding, geometry.Dilation, geometry.Groups);
    }

    /// <summary>The pixels on which a window of one pixel stands.</summary>
    public static Tensor Strided(Tensor image, ConvolutionGeometry geometry)
    {
        var padded = geometry.Padding is [0, 0] ? image : Padded(image, geometry);
        return geometry.Strides is [1, 1]
            ? padded
            : padded.slice(2, 0, padded.shape[2], geometry.Strides[0]).slice(3, 0, padded.shape[3], geometry.Strides[1]);
    }

    private static Tensor Padded(Tensor image, ConvolutionGeometry geometry)
    {
        var (height, width) = (geometry.Padding[0], geometry.Padding[1]);
        return Pixels.ChannelsLast(functional.pad(image, [width, width, height, height]));
    }

    /// <summary>[N, C, H, W] → [N · H · W, C].</summary>
    public static Tensor Rows(Tensor image) => image.permute(0, 2, 3, 1).reshape(-1, image.shape[1]);

    /// <summary>[N · H · W, C] → [N, C, H, W], channels-last.</summary>
    public static Tensor Image(Tensor pixels, long[] shape) => pixels.view(shape[0], shape[2], shape[3], -1).permute(0, 3, 1, 2);
}
