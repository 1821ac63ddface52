using System.Globalization;
using GenIsp.Geometry;
using GenIsp.Imaging;
using GenIsp.Raw;

namespace GenIsp.Color;

/// <summary>A size for pictures of either orientation.</summary>
/// <param name="Long">Most pixels of the longer side.</param>
/// <param name="Short">Most pixels of the shorter side.</param>
public readonly record struct SizeLimit(int Long, int Short)
{
    /// <summary>The paper's, which is torchvision's for detection.</summary>
    public static SizeLimit Detection { get; } = new(1333, 800);

    /// <summary>
    /// The largest size with the same aspect inside the limit, larger than the picture where that is small:
    /// scale = min(<see cref="Short"/> / short side, <see cref="Long"/> / long side), sides rounded to whole pixels.
    /// </summary>
    public (int Width, int Height) Fit(int width, int height)
    {
        var scale = Math.Min((double)Short / Math.Min(width, height), (double)Long / Math.Max(width, height));
        return (Math.Max(1, (int)Math.Round(width * scale)), Math.Max(1, (int)Math.Round(height * scale)));
    }

    /// <summary>Such as 1333x800.</summary>
    public override string ToString() => $"{Long}x{Short}";

    /// <summary>Reads what <see cref="ToString"/> writes; the sides may change places. Sides are 1..32768.</summary>
    public static bool TryParse(string text, out SizeLimit limit)
    {
        int[] sides =
        [
            .. text.Split('x', 'X', '×').Select(side =>
                int.TryParse(side, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value <= 32768 ? value : 0),
        ];
        var isSize = sides.Length == 2 && sides.All(side => side > 0);
        limit = isSize ? new SizeLimit(sides.Max(), sides.Min()) : default;
        return isSize;
    }
}

/// <summary>How a mosaic becomes a linear image.</summary>
public sealed record LinearOptions
{
    /// <summary>Use of the colour matrix.</summary>
    public CstDirection Cst { get; init; } = CstDirection.Inverse;

    /// <summary>Size of the result; null keeps the packed mosaic's (half the sensor's on each side).</summary>
    public SizeLimit? MaxSize { get; init; } = SizeLimit.Detection;

    /// <summary>
    /// Whether a picture that shrinks is averaged (PyTorch's <c>antialias</c>), which takes noise away, or sampled, as the paper's
    /// framework does unless asked.
    /// </summary>
    public bool Antialias { get; init; }

    /// <summary>
    /// The central part to keep, in sensor pixels as they are stored: the frame of the camera's own JPEG. Null keeps all.
    /// </summary>
    public (int Width, int Height)? Crop { get; init; }
}

/// <summary>The way from the sensor's numbers to linear light (GenISP, section 3: packing, CST, resize).</summary>
public static class LinearPipeline
{
    /// <summary>
    /// Crop, levels, pack, average greens, CST, resize, turn upright. Values below black stay negative, those above white saturate.
    /// </summary>
    /// <returns>
    /// [3, H, W] in the colour space that <see cref="LinearOptions.Cst"/> says. Its frame leads to the full-resolution picture: the
    /// cropped mosaic, upright.
    /// </returns>
    /// <exception cref="GenIspException">
    /// The file has no usable colour matrix, the crop is larger than the mosaic, or the size too large.
    /// </exception>
    public static LinearImage ToLinear(SensorImage sensor, LinearOptions options)
    {
        var crop = CentralCrop(sensor.Shape, options.Crop);
        var size = SizeOf(crop, options.MaxSize);
        if (3L * size.Width * size.Height > Array.MaxLength)
            throw new GenIspException($"{sensor.Source}: {size.Width}×{size.Height} pixels are too many. Choose a smaller size.");
        var transform = ColorSpaceTransform.For(sensor, options.Cst);

        var pixels = MosaicResampler.Resample(sensor, crop, size, SensorToColor.From(sensor.Levels, transform), options.Antialias);

        return new LinearImage(
            sensor.Source, Turning.Upright(pixels, size.Width, size.Height, sensor.Orientation), FrameOf(sensor.Shape, options), options.Cst,
            ColorSpaceTransform.AsShotWhite(sensor, transform), transform * new Vector3(1, 1, 1));
    }

    /// <summary>The frame of what <see cref="ToLinear"/> makes of a sensor's picture.</summary>
    internal static Frame FrameOf(SensorShape sensor, LinearOptions options)
    {
        var crop = CentralCrop(sensor, options.Crop);
        var size = SizeOf(crop, options.MaxSize);
        return Picture(crop, sensor.Orientation).Orient(sensor.Orientation.Inverse())
            // An odd last row or column has no cell, so the pixels span a little less than the picture.
            .Crop(0, 0, crop.Width & ~1, crop.Height & ~1).Resize(size.Width, size.Height).Orient(sensor.Orientation);
    }

    /// <summary>
    /// The central part of the mosaic, in sensor pixels. It begins at even offsets, so that the Bayer pattern stays.
    /// </summary>
    internal static CropArea CentralCrop(SensorShape sensor, (int Width, int Height)? size)
    {
        if (size is not var (width, height))
            return new CropArea(0, 0, sensor.Width, sensor.Height);
        if (width < 2 || height < 2 || width > sensor.Width || height > sensor.Height)
        {
            throw new GenIspException(
                $"{sensor.Source} has {sensor.Width}×{sensor.Height} pixels, so {width}×{height} can't be cropped from it.");
        }
        return new CropArea((sensor.Width - width) / 2 & ~1, (sensor.Height - height) / 2 & ~1, width, height);
    }

    private static (int Width, int Height) SizeOf(CropArea crop, SizeLimit? limit)
    {
        var packed = (Width: crop.Width / 2, Height: crop.Height / 2);
        return limit?.Fit(packed.Width, packed.Height) ?? packed;
    }

    private static Frame Picture(CropArea crop, Orientation orientation) =>
        orientation.SwapsSides() ? new Frame(crop.Height, crop.Width) : new Frame(crop.Width, crop.Height);
}

/// <summary>A part of the mosaic, in sensor pixels; X and Y are even.</summary>
internal readonly record struct CropArea(int X, int Y, int Width, int Height);
