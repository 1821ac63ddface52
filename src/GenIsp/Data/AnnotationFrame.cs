using GenIsp.Geometry;
using GenIsp.Imaging;
using GenIsp.Raw;

namespace GenIsp.Data;

/// <summary>
/// Where the annotations' frame lies in a file. Boxes are drawn on the camera's JPEG, which shows the central part of what the RAW
/// holds, or on a scaled copy of it.
/// </summary>
public sealed record AnnotationFrame
{
    // A JPEG shows nearly all of the sensor: RAW-NOD's cameras cut 0.4 % and 0.8 %. What cuts more than this is another picture.
    private const double LargestCut = 0.05;

    private const int LargestScale = 16;

    // Its own pixels are the annotations', its source is the full-resolution picture.
    private readonly Frame _frame;

    private AnnotationFrame((int Width, int Height)? crop, Frame frame)
    {
        Crop = crop;
        _frame = frame;
    }

    /// <summary>The part of the mosaic that the annotations show: for <see cref="Color.LinearOptions.Crop"/>. Null is all.</summary>
    public (int Width, int Height)? Crop { get; }

    /// <summary>An annotated box in pixels of the full-resolution picture: the cropped mosaic, or the photo, upright.</summary>
    public Box ToPicture(Box box) => _frame.ToSource(box);

    /// <summary>A box of the full-resolution picture in pixels of the annotations.</summary>
    public Box FromPicture(Box box) => _frame.FromSource(box);

    /// <summary>Finds the frame of an image's annotations in its RAW file.</summary>
    /// <exception cref="GenIspException">The annotations don't say their size, or it fits the file in no way.</exception>
    public static AnnotationFrame In(SensorImage sensor, CocoImage image) => In(sensor.Shape, image);

    /// <inheritdoc cref="In(SensorImage, CocoImage)"/>
    internal static AnnotationFrame In(SensorShape sensor, CocoImage image) =>
        Find(SizeOf(image), (sensor.Width, sensor.Height), sensor.Orientation)
        ?? throw Misfit(sensor.Source, (sensor.Width, sensor.Height), image);

    /// <summary>Finds the frame of an image's annotations in an ordinary photo, which they show whole.</summary>
    /// <param name="photo">The photo, upright.</param>
    /// <param name="source">The file's name, for messages.</param>
    /// <param name="image">The image in the annotations.</param>
    /// <exception cref="GenIspException">The annotations don't say their size, or it is not a scaled photo's.</exception>
    public static AnnotationFrame In(RgbImage photo, string source, CocoImage image)
    {
        var (annotated, size) = (SizeOf(image), (photo.Width, photo.Height));
        return annotated == size || IsScaled(annotated, size)
            ? new AnnotationFrame(null, new Frame(photo.Width, photo.Height).Resize(annotated.Width, annotated.Height))
            : throw Misfit(source, size, image);
    }

    /// <summary>
    /// Finds the frame: the annotations' size is the mosaic's; or a little less (a central crop); or the mosaic's scaled; or a whole
    /// fraction of a central crop.
    /// </summary>
    /// <param name="annotated">The annotations' width and height.</param>
    /// <param name="sensor">The mosaic's width and height as stored.</param>
    /// <param name="orientation">What makes the mosaic upright.</param>
    /// <returns>Null where nothing fits.</returns>
    internal static AnnotationFrame? Find((int Width, int Height) annotated, (int Width, int Height) sensor, Orientation orientation)
    {
        var swaps = orientation.SwapsSides();
        // Drawn on the upright picture, or where only that fits, on the picture as it is stored.
        if (FindCrop(swaps ? (annotated.Height, annotated.Width) : annotated, sensor) is var (width, height))
            return Make(new Frame(swaps ? height : width, swaps ? width : height));
        if (!swaps || FindCrop(annotated, sensor) is not var (storedWidth, storedHeight))
            return null;
        (width, height) = (storedWidth, storedHeight);
        return Make(new Frame(height, width).Orient(orientation.Inverse()));

        AnnotationFrame Make(Frame picture) =>
            new((width, height) == sensor ? null : (width, height), picture.Resize(annotated.Width, annotated.Height));
    }

    // The part of the mosaic that an annotated picture of this size shows.
    private static (int Width, int Height)? FindCrop((int Width, int Height) annotated, (int Width, int Height) sensor)
    {
        if (IsCentral(annotated, sensor))
            return annotated;
        if (IsScaled(annotated, sensor))
            return sensor;
        for (var scale = 2; scale <= LargestScale; scale++)
        {
            if ((long)annotated.Width * scale > sensor.Width)
                return null;
            var crop = (Width: annotated.Width * scale, Height: (int)Math.Min((long)annotated.Height * scale, int.MaxValue));
            if (IsCentral(crop, sensor))
                return crop;
        }
        return null;
    }

    private static bool IsCentral((int Width, int Height) crop, (int Width, int Height) sensor) =>
        crop.Width <= sensor.Width && crop.Height <= sensor.Height
        && sensor.Width - crop.Width <= LargestCut * sensor.Width && sensor.Height - crop.Height <= LargestCut * sensor.Height;

    // The same aspect, but for rounding to whole pixels.
    private static bool IsScaled((int Width, int Height) a, (int Width, int Height) b)
    {
        var scale = (double)a.Width / b.Width;
        return scale is >= 1.0 / LargestScale and <= LargestScale
            && (Math.Abs(b.Height * scale - a.Height) < 1 || Math.Abs(a.Height / scale - b.Height) < 1);
    }

    private static (int Width, int Height) SizeOf(CocoImage image) =>
        image.Size ?? throw new GenIspException(
            $"The image {image.Id} has no \"width\" and \"height\" in the annotations, so where its boxes lie is unknown. Add them.");

    private static GenIspException Misfit(string source, (int Width, int Height) size, CocoImage image) => new(
        $"{source} has {size.Width}×{size.Height} pixels, but its annotations were made on "
        + $"{image.Size!.Value.Width}×{image.Size.Value.Height}: neither nearly all of it nor a scaled copy. Is it the right file?");
}
