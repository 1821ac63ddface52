using System.Runtime.InteropServices;
using GenIsp.Geometry;

namespace GenIsp.Raw;

/// <summary>
/// Writes the pixels of a Bayer sensor as an uncompressed 16-bit DNG, which any RAW developer opens. Tags: TIFF 6.0, TIFF/EP
/// (ISO 12234-2), Exif 2.3 and the DNG specification 1.4.
/// </summary>
public static class DngWriter
{
    private const uint HeaderSize = 8;
    private const ushort ColorFilterArray = 32803;
    private const ushort D65 = 21;

    /// <summary>Writes the file. The same image gives the same bytes.</summary>
    /// <param name="path">Where to; an older file is replaced.</param>
    /// <param name="image">
    /// With a colour matrix and levels from 0 to 65535. White is stored as a whole number. Make and model are what RAW developers
    /// look up in their own tables of cameras: one that is found there may get those figures in place of the file's.
    /// </param>
    /// <exception cref="GenIspException">
    /// The image has no colour matrix, a figure that a DNG can't hold, or the file can't be written.
    /// </exception>
    public static void Write(string path, SensorImage image)
    {
        Check(path, image);
        var exif = Exif(image.Capture);
        // Where the parts lie depends on the first one's size, which does not depend on where they lie.
        var exifAt = HeaderSize + (uint)Picture(image, exif is not null, 0, 0).Size;
        var pixelsAt = exifAt + (uint)(exif?.Size ?? 0);
        var picture = Picture(image, exif is not null, exifAt, pixelsAt);
        AtomicFile.Write(path, stream =>
        {
            stream.Write([(byte)'I', (byte)'I', 42, 0, (byte)HeaderSize, 0, 0, 0]);
            stream.Write(picture.ToBytes(HeaderSize));
            if (exif is not null)
                stream.Write(exif.ToBytes(exifAt));
            stream.Write(MemoryMarshal.AsBytes(image.Mosaic.Span));
        });
    }

    private static TiffDirectory Picture(SensorImage image, bool hasExif, uint exifAt, uint pixelsAt)
    {
        var (width, height) = ((uint)image.Width, (uint)image.Height);
        var name = $"{image.Capture.Make} {image.Capture.Model}".Trim();
        var tags = new TiffDirectory();
        tags.AddLongs(254, 0); // NewSubfileType: the full picture
        tags.AddLongs(256, width); // ImageWidth
        tags.AddLongs(257, height); // ImageLength
        tags.AddShorts(258, 16); // BitsPerSample
        tags.AddShorts(259, 1); // Compression: none
        tags.AddShorts(262, ColorFilterArray); // PhotometricInterpretation
        if (image.Capture.Make is { } make)
            tags.AddText(271, make); // Make
        if (image.Capture.Model is { } model)
            tags.AddText(272, model); // Model
        tags.AddLongs(273, pixelsAt); // StripOffsets: all rows are one strip
        tags.AddShorts(274, (ushort)image.Orientation); // Orientation
        tags.AddShorts(277, 1); // SamplesPerPixel
        tags.AddLongs(278, height); // RowsPerStrip
        tags.AddLongs(279, sizeof(ushort) * width * height); // StripByteCounts
        tags.AddShorts(284, 1); // PlanarConfiguration: chunky
        tags.AddText(305, "GenIsp"); // Software
        tags.AddShorts(33421, 2, 2); // CFARepeatPatternDim
        tags.AddBytes(33422, [.. Places(image.Cfa).Select(ColorCode)]); // CFAPattern
        if (hasExif)
            tags.AddLongs(34665, exifAt); // ExifIFD
        tags.AddBytes(50706, 1, 4, 0, 0); // DNGVersion
        tags.AddBytes(50707, 1, 1, 0, 0); // DNGBackwardVersion
        tags.AddText(50708, name.Length > 0 ? name : "Unknown"); // UniqueCameraModel
        tags.AddBytes(50710, 0, 1, 2); // CFAPlaneColor: red, green, blue
        tags.AddShorts(50711, 1); // CFALayout: rectangular
        AddBlack(tags, [.. Places(image.Cfa).Select(image.Levels.Black)]);
        tags.AddLongs(50717, (uint)Math.Round(image.Levels.White)); // WhiteLevel
        tags.AddSignedRationals(50721, [.. image.XyzToCamera!.Value.ToRows().SelectMany(row => row)]); // ColorMatrix1
        if (image.AsShot is var (red, blue))
            tags.AddRationals(50728, 1 / red, 1, 1 / blue); // AsShotNeutral
        tags.AddShorts(50778, D65); // CalibrationIlluminant1
        tags.AddLongs(50829, 0, 0, height, width); // ActiveArea: top, left, bottom, right
        return tags;
    }

    private static TiffDirectory? Exif(CaptureInfo capture)
    {
        if (capture is { Iso: null, ExposureSeconds: null })
            return null;
        var tags = new TiffDirectory();
        if (capture.ExposureSeconds is double seconds)
            tags.AddRationals(33434, seconds); // ExposureTime
        if (capture.Iso is double iso)
            tags.AddShorts(34855, (ushort)Math.Min(ushort.MaxValue, Math.Round(iso))); // PhotographicSensitivity: 65535 and above are one
        tags.AddUndefined(36864, "0230"u8.ToArray()); // ExifVersion
        return tags;
    }

    // Whole numbers as LONG, which every reader understands; others as RATIONAL.
    private static void AddBlack(TiffDirectory tags, double[] black)
    {
        tags.AddShorts(50713, 2, 2); // BlackLevelRepeatDim
        if (black.All(double.IsInteger))
            tags.AddLongs(50714, [.. black.Select(value => (uint)value)]); // BlackLevel
        else
            tags.AddRationals(50714, black);
    }

    private static IEnumerable<CfaColor> Places(BayerPattern cfa) =>
        [cfa.ColorAt(0, 0), cfa.ColorAt(1, 0), cfa.ColorAt(0, 1), cfa.ColorAt(1, 1)];

    private static byte ColorCode(CfaColor color) => color switch
    {
        CfaColor.R => 0,
        CfaColor.B => 2,
        _ => 1,
    };

    private static void Check(string path, SensorImage image)
    {
        GenIspException Bad(string what) => new($"{image.Source} can't be written as {path}: {what}.");
        if (image.XyzToCamera is not Matrix3 matrix)
            throw Bad("it has no colour matrix, which a DNG needs");
        if (matrix.ToRows().SelectMany(row => row).Any(value => !(Math.Abs(value) <= int.MaxValue)))
            throw Bad("a DNG can't hold its colour matrix");
        if (image.Levels.ToBlackArray().Any(black => !(black >= 0)) || !(image.Levels.White <= ushort.MaxValue))
            throw Bad("its levels do not lie within 0..65535");
        double?[] positive = [1 / image.AsShot?.Red, 1 / image.AsShot?.Blue, image.Capture.Iso, image.Capture.ExposureSeconds];
        if (positive.Any(value => value is double number && !(number is > 0 and <= uint.MaxValue)))
            throw Bad("its white balance, ISO or exposure is no number above 0 that a DNG can hold");
        if (!Enum.IsDefined(image.Orientation))
            throw Bad($"its orientation is {(int)image.Orientation}, but must be 1..8");
    }
}
