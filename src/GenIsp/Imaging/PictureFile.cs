using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using GenIsp.Geometry;
using GenIsp.Raw;
using SkiaSharp;

namespace GenIsp.Imaging;

/// <summary>Reads ordinary photos and writes pictures.</summary>
public static class PictureFile
{
    private static readonly string[] PhotoExtensions = [".jpg", ".jpeg", ".png", ".webp", ".bmp"];

    /// <summary>Whether the name's ending is an ordinary photo's.</summary>
    public static bool IsPhoto(string path) => PhotoExtensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);

    /// <summary>Reads a JPEG, PNG, WebP or BMP, turned upright by its EXIF orientation.</summary>
    /// <returns>sRGB code values, 0..1; transparency over black.</returns>
    /// <exception cref="GenIspException">The file is missing, damaged or no picture.</exception>
    public static RgbImage Read(string path)
    {
        if (GrayPng.IsOne(path))
        {
            throw new GenIspException(
                $"{path} is a 16-bit gray PNG, which holds a sensor's mosaic and no photo: "
                + $"{MosaicSidecar.PathFor(path)} must describe it.");
        }
        using var file = InputFiles.Open(path);
        using var codec = SKCodec.Create(file)
            ?? throw new GenIspException($"{path} can't be read as a picture: it is damaged or of an unknown kind.");
        var (width, height) = (codec.Info.Width, codec.Info.Height);
        if (width < 1 || height < 1 || (long)width * height > MaxPixels)
            throw new GenIspException($"{path}: its header says {width}×{height} pixels, which is too large for a photo.");
        var info = new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Premul);
        var bytes = new byte[info.BytesSize];
        var handle = GCHandle.Alloc(bytes, GCHandleType.Pinned);
        var result = codec.GetPixels(info, handle.AddrOfPinnedObject());
        handle.Free();
        if (result != SKCodecResult.Success)
            throw new GenIspException($"{path} can't be read as a picture: it is damaged or cut short ({result}).");

        var plane = width * height;
        var pixels = new float[3 * plane];
        for (var i = 0; i < plane; i++)
        {
            pixels[i] = bytes[4 * i] / 255f;
            pixels[plane + i] = bytes[4 * i + 1] / 255f;
            pixels[2 * plane + i] = bytes[4 * i + 2] / 255f;
        }
        // SKEncodedOrigin has EXIF's numbers.
        var orientation = Enum.IsDefined((Orientation)codec.EncodedOrigin) ? (Orientation)codec.EncodedOrigin : Orientation.Upright;
        var upright = Turning.Upright(pixels, width, height, orientation);
        return new RgbImage(upright, orientation.SwapsSides() ? new Frame(height, width) : new Frame(width, height));
    }

    /// <summary>Writes the picture, its values clamped to 0..1, as 8-bit PNG.</summary>
    /// <exception cref="GenIspException">The file can't be written.</exception>
    public static void WritePng(string path, RgbImage image) => Write(path, image, SKEncodedImageFormat.Png, 100);

    /// <summary>Writes the picture, its values clamped to 0..1, as JPEG.</summary>
    /// <param name="path">Where to; an older file is replaced.</param>
    /// <param name="image">The picture.</param>
    /// <param name="quality">1..100.</param>
    /// <exception cref="GenIspException">The file can't be written.</exception>
    public static void WriteJpeg(string path, RgbImage image, int quality = 92) => Write(path, image, SKEncodedImageFormat.Jpeg, quality);

    /// <summary>Writes the values as they are: a NumPy array [3, H, W] of little-endian float32.</summary>
    /// <exception cref="GenIspException">The file can't be written.</exception>
    public static void WriteNpy(string path, RgbImage image)
    {
        // NumPy's format 1.0: magic, version, header length; the header ends in a line break at a multiple of 64 bytes.
        var header = string.Create(
            CultureInfo.InvariantCulture, $"{{'descr': '<f4', 'fortran_order': False, 'shape': (3, {image.Height}, {image.Width}), }}");
        header = header.PadRight((header.Length + 11 + 63) / 64 * 64 - 11) + "\n";
        AtomicFile.Write(path, stream =>
        {
            stream.Write([0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, (byte)(header.Length >> 8)]);
            stream.Write(Encoding.ASCII.GetBytes(header));
            stream.Write(MemoryMarshal.AsBytes(image.Pixels.Span));
        });
    }

    internal static SKBitmap ToBitmap(RgbImage image)
    {
        var bitmap = new SKBitmap(new SKImageInfo(image.Width, image.Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        var bytes = bitmap.GetPixelSpan();
        var pixels = image.Pixels.Span;
        var plane = image.Width * image.Height;
        for (var i = 0; i < plane; i++)
        {
            bytes[4 * i] = ToByte(pixels[i]);
            bytes[4 * i + 1] = ToByte(pixels[plane + i]);
            bytes[4 * i + 2] = ToByte(pixels[2 * plane + i]);
            bytes[4 * i + 3] = 255;
        }
        return bitmap;
    }

    internal static void Write(string path, SKBitmap bitmap, SKEncodedImageFormat format, int quality)
    {
        using var data = Encode(path, bitmap, format, quality);
        AtomicFile.Write(path, data.SaveTo);
    }

    /// <param name="path">The file that the bytes are for, to name in an error.</param>
    /// <param name="bitmap">The picture.</param>
    /// <param name="format">PNG or JPEG.</param>
    /// <param name="quality">JPEG's, 1..100.</param>
    internal static SKData Encode(string path, SKBitmap bitmap, SKEncodedImageFormat format, int quality)
    {
        using var pixels = bitmap.PeekPixels();
        return (format == SKEncodedImageFormat.Png ? pixels.Encode(Quick) : pixels.Encode(format, quality))
            ?? throw new GenIspException($"{path}: a {bitmap.Width}×{bitmap.Height} picture is too large for {format}.");
    }

    // zlib's level 3: half the time of Skia's default, for files a third larger. In a folder of pictures, writing takes the longest.
    private static readonly SKPngEncoderOptions Quick = new(SKPngEncoderFilterFlags.AllFilters, 3);

    private const long MaxPixels = 200_000_000;

    private static void Write(string path, RgbImage image, SKEncodedImageFormat format, int quality)
    {
        using var bitmap = ToBitmap(image);
        Write(path, bitmap, format, quality);
    }

    // Not a number becomes black.
    private static byte ToByte(float value) => value > 0 ? (byte)(Math.Min(value, 1) * 255 + 0.5f) : (byte)0;
}
