using GenIsp.Geometry;
using static TorchSharp.torch;

namespace GenIsp.Detection.RetinaNet;

/// <summary>From images of any size to a batch: torchvision's <c>GeneralizedRCNNTransform</c>.</summary>
internal static class RetinaNetTransform
{
    private const int SizeMultiple = 32;

    // ImageNet's statistics, of RGB in 0..1.
    private static readonly float[] Mean = [0.485f, 0.456f, 0.406f];
    private static readonly float[] StandardDeviation = [0.229f, 0.224f, 0.225f];

    /// <summary>Normalises, resizes and pads.</summary>
    /// <param name="images">Each [3, H, W], float32, RGB, 0..1.</param>
    /// <param name="minSize">The short side to resize to.</param>
    /// <param name="maxSize">The bound of the long side.</param>
    /// <exception cref="ArgumentException">There is no image, or one is not [3, H, W] in float32.</exception>
    /// <exception cref="GenIspException">An image is so narrow that nothing of it would be left.</exception>
    public static RetinaNetBatch Apply(IReadOnlyList<Tensor> images, int minSize, int maxSize)
    {
        if (images.Count == 0)
            throw new ArgumentException("A batch needs an image.", nameof(images));
        using var scope = NewDisposeScope();
        var resized = images.Select(image => Resize(Normalize(image), minSize, maxSize)).ToList();
        var sizes = resized.Select(image => ((int)image.shape[1], (int)image.shape[2])).ToList();
        return new RetinaNetBatch(Pad(resized).MoveToOuterDisposeScope(), sizes);
    }

    /// <summary>
    /// The size to which torchvision resizes: scale = min(min size / short side, max size / long side) in float32, sizes rounded down
    /// (so 800 may come out as 799).
    /// </summary>
    public static (int Height, int Width) ResizedSize(int height, int width, int minSize, int maxSize)
    {
        // PyTorch divides a number by a tensor as number · (1 / tensor), which rounds twice.
        var scale = Math.Min(1f / Math.Min(height, width) * minSize, 1f / Math.Max(height, width) * maxSize);
        return ((int)Math.Floor(height * (double)scale), (int)Math.Floor(width * (double)scale));
    }

    /// <summary>A box of an image in the frame to which that is resized.</summary>
    public static Box ToResized(Box box, (int Height, int Width) originalSize, (int Height, int Width) size)
    {
        var x = (float)size.Width / originalSize.Width;
        var y = (float)size.Height / originalSize.Height;
        return new Box(box.X1 * x, box.Y1 * y, box.X2 * x, box.Y2 * y);
    }

    private static Tensor Normalize(Tensor image)
    {
        if (image.dim() != 3 || image.shape[0] != 3 || image.dtype != ScalarType.Float32)
            throw new ArgumentException($"An image is {image.dtype} [{string.Join(", ", image.shape)}], not Float32 [3, H, W].");
        var mean = tensor(Mean, [3, 1, 1], dtype: ScalarType.Float32, device: image.device);
        return (image - mean) / tensor(StandardDeviation, [3, 1, 1], dtype: ScalarType.Float32, device: image.device);
    }

    private static Tensor Resize(Tensor image, int minSize, int maxSize)
    {
        var (height, width) = ((int)image.shape[1], (int)image.shape[2]);
        var (newHeight, newWidth) = ResizedSize(height, width, minSize, maxSize);
        if (newHeight < 1 || newWidth < 1)
        {
            throw new GenIspException(
                $"An image of {width}×{height} pixels is too narrow: resized to at most {maxSize} pixels, nothing would be left of it.");
        }
        if ((newHeight, newWidth) == (height, width))
            return image;
        return nn.functional.interpolate(
            image.unsqueeze(0), [newHeight, newWidth], mode: InterpolationMode.Bilinear, align_corners: false).squeeze(0);
    }

    private static Tensor Pad(IReadOnlyList<Tensor> images)
    {
        var height = RoundUp(images.Max(image => image.shape[1]));
        var width = RoundUp(images.Max(image => image.shape[2]));
        return stack(images.Select(image => nn.functional.pad(image, [0, width - image.shape[2], 0, height - image.shape[1]])));
    }

    private static long RoundUp(long size) => (size + SizeMultiple - 1) / SizeMultiple * SizeMultiple;
}
