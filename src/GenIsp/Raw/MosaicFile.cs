using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace GenIsp.Raw;

/// <summary>
/// Bayer mosaics without a RAW container: headerless 16-bit files, 16-bit gray PNG, and NumPy arrays, each described by a
/// <see cref="MosaicSidecar"/>.
/// </summary>
internal static partial class MosaicFile
{
    private static readonly string[] Extensions = [".raw", ".bin", ".png", ".npy"];

    /// <summary>Whether the name's ending is one of a mosaic's.</summary>
    public static bool HasExtension(string path) => Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);

    /// <summary>Reads a mosaic and its sidecar.</summary>
    /// <exception cref="GenIspException">The sidecar or the file is wrong, or they do not agree.</exception>
    public static SensorImage Read(string path)
    {
        var type = Path.GetExtension(path).ToLowerInvariant();
        var sidecar = MosaicSidecar.Read(path, needsSize: type is not (".png" or ".npy"));
        var (width, height, mosaic) = type switch
        {
            ".png" => ReadPng(path, sidecar),
            ".npy" => ReadNpy(path, sidecar),
            _ => ReadHeaderless(path, sidecar),
        };
        return new SensorImage(path, width, height, mosaic, sidecar.Cfa, sidecar.Levels)
        {
            XyzToCamera = sidecar.XyzToCamera,
            AsShot = sidecar.WhiteBalance,
            Capture = new CaptureInfo(sidecar.Camera?.Make, sidecar.Camera?.Model, null, null),
        };
    }

    private static (int Width, int Height, ushort[] Pixels) ReadHeaderless(string path, MosaicSidecar sidecar)
    {
        var (width, height) = sidecar.Size!.Value;
        var expected = 2L * width * height;
        var bytes = InputFiles.ReadBytes(path);
        if (bytes.Length != expected)
        {
            throw new GenIspException(
                $"{path} has {bytes.Length} bytes, but {width}×{height} pixels of 16 bits are {expected}. "
                + $"Correct \"width\" and \"height\" in {MosaicSidecar.PathFor(path)}.");
        }
        return (width, height, ToPixels(bytes, sidecar.BigEndian));
    }

    private static (int Width, int Height, ushort[] Pixels) ReadPng(string path, MosaicSidecar sidecar)
    {
        var (width, height, pixels) = GrayPng.Read(path);
        CheckSize(path, width, height, $"{width}×{height} pixels", sidecar);
        return (width, height, pixels);
    }

    private static (int Width, int Height, ushort[] Pixels) ReadNpy(string path, MosaicSidecar sidecar)
    {
        var file = InputFiles.ReadBytes(path);
        var (header, dataStart) = ReadNpyHeader(path, file);
        var type = Descr().Match(header).Groups[1].Value;
        var shape = Shape().Match(header).Groups[1].Value;
        if (type is not ("<u2" or ">u2" or "|u1"))
            throw BadNpy(path, $"its dtype is '{type}', but must be uint16 ('<u2' or '>u2') or uint8");
        if (!header.Contains("'fortran_order': False", StringComparison.Ordinal))
            throw BadNpy(path, "it is stored column by column; save numpy.ascontiguousarray(array)");
        var dimensions = shape.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(text => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : -1L).ToArray();
        var (height, width, isPacked) = dimensions switch
        {
            [var rows, var columns] => (rows, columns, false),
            [var rows, var columns, 4] => (2 * rows, 2 * columns, true),
            _ => throw BadNpy(path, $"its shape is ({shape}), but must be [H, W], or packed [H/2, W/2, 4]"),
        };
        CheckSize(path, width, height, $"an array of shape ({shape})", sidecar);
        var data = file.AsSpan(dataStart);
        var expected = width * height * (type == "|u1" ? 1 : 2);
        if (data.Length != expected)
            throw BadNpy(path, $"it holds {data.Length} bytes of pixels instead of {expected}");
        var pixels = type == "|u1" ? [.. data.ToArray().Select(value => (ushort)value)] : ToPixels(data, type == ">u2");
        return ((int)width, (int)height, isPacked ? Unpack(pixels, (int)width, (int)height) : pixels);
    }

    // A size in the sidecar is a promise: one that was copied to the wrong file is then noticed.
    private static void CheckSize(string path, long width, long height, string found, MosaicSidecar sidecar)
    {
        if (sidecar.Size is var (saidWidth, saidHeight) && (saidWidth, saidHeight) != (width, height))
        {
            throw new GenIspException(
                $"{path} is {found}, but {MosaicSidecar.PathFor(path)} says {saidWidth}×{saidHeight}. "
                + "Correct \"width\" and \"height\" there: they count the mosaic's pixels.");
        }
        if (width < 2 || height < 2 || width > MosaicSidecar.MaxPixels / height)
        {
            throw new GenIspException(
                $"{path} is {found}, but a mosaic has sides of at least 2 pixels, and at most {MosaicSidecar.MaxPixels / 1_000_000} "
                + "megapixels.");
        }
    }

    // The .npy format, versions 1 to 3 (NumPy Enhancement Proposal 1).
    private static (string Header, int DataStart) ReadNpyHeader(string path, ReadOnlySpan<byte> file)
    {
        if (file.Length < 12 || file[0] != 0x93 || !file[1..6].SequenceEqual("NUMPY"u8))
            throw BadNpy(path, "it does not begin as one");
        var start = file[6] == 1 ? 10 : 12;
        var length = file[6] == 1 ? BinaryPrimitives.ReadUInt16LittleEndian(file[8..]) : BinaryPrimitives.ReadUInt32LittleEndian(file[8..]);
        if (length > file.Length - start)
            throw BadNpy(path, "its header is cut short");
        return (Encoding.Latin1.GetString(file.Slice(start, (int)length)), start + (int)length);
    }

    private static GenIspException BadNpy(string path, string why) => new($"{path} is not a NumPy array of 16-bit pixels: {why}.");

    // [H/2, W/2, 4] in the order of the pattern's letters → [H, W].
    private static ushort[] Unpack(ushort[] packed, int width, int height)
    {
        var mosaic = new ushort[packed.Length];
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
                mosaic[y * width + x] = packed[(y / 2 * (width / 2) + x / 2) * 4 + (y & 1) * 2 + (x & 1)];
        }
        return mosaic;
    }

    private static ushort[] ToPixels(ReadOnlySpan<byte> bytes, bool bigEndian)
    {
        var pixels = MemoryMarshal.Cast<byte, ushort>(bytes).ToArray();
        if (bigEndian == BitConverter.IsLittleEndian)
            BinaryPrimitives.ReverseEndianness(pixels, pixels);
        return pixels;
    }

    [GeneratedRegex("'descr': '([^']*)'")]
    private static partial Regex Descr();

    [GeneratedRegex(@"'shape': \(([^)]*)\)")]
    private static partial Regex Shape();
}
