using System.Buffers.Binary;
using System.IO.Compression;

namespace GenIsp.Raw;

/// <summary>
/// Reads 16-bit gray PNG, which SkiaSharp can only give in 8 bits. PNG (ISO/IEC 15948): chunks, zlib, and five row filters.
/// </summary>
internal static class GrayPng
{
    private const int BytesPerPixel = 2;

    /// <summary>The pixels as they are, [height · width].</summary>
    /// <exception cref="GenIspException">It is damaged, or no plain 16-bit gray PNG.</exception>
    public static (int Width, int Height, ushort[] Pixels) Read(string path)
    {
        var (width, height, compressed) = ReadChunks(path, InputFiles.ReadBytes(path));
        // Deflate shrinks at most 1032 times: a header that promises more is a lie, and nothing is allocated for it.
        if ((long)width * height * BytesPerPixel / 1032 > compressed.Length)
            throw Bad(path, "its pixels are cut short");
        try
        {
            using var inflated = new ZLibStream(compressed, CompressionMode.Decompress);
            var pixels = Unfilter(inflated, width, height);
            inflated.ReadByte(); // the end, where zlib compares its checksum
            return (width, height, pixels);
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            throw Bad(path, "its pixels are damaged or cut short");
        }
    }

    /// <summary>Whether the file is a PNG of 16-bit gray, by its header.</summary>
    public static bool IsOne(string path)
    {
        using var file = InputFiles.Open(path);
        var start = new byte[26];
        return file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length
            && start.AsSpan().StartsWith(Signature) && start.AsSpan(12, 4).SequenceEqual("IHDR"u8) && start[24] == 16 && start[25] == 0;
    }

    private static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10];

    // The header's size, and the zlib stream of all IDAT chunks.
    private static (int Width, int Height, MemoryStream Compressed) ReadChunks(string path, ReadOnlySpan<byte> file)
    {
        if (!file.StartsWith(Signature))
            throw Bad(path, "it is not a PNG file");
        int width = 0, height = 0;
        var compressed = new MemoryStream();
        for (var rest = file[8..]; rest.Length >= 12;)
        {
            var length = BinaryPrimitives.ReadUInt32BigEndian(rest);
            if (length > rest.Length - 12)
                break;
            var body = rest.Slice(8, (int)length);
            if (rest[4..8].SequenceEqual("IHDR"u8) && length == 13)
            {
                width = BinaryPrimitives.ReadInt32BigEndian(body);
                height = BinaryPrimitives.ReadInt32BigEndian(body[4..]);
                if (width < 1 || height < 1 || (long)width * height > MosaicSidecar.MaxPixels)
                    throw Bad(path, $"its header says {width}×{height} pixels");
                if (body[8] != 16 || body[9] != 0)
                {
                    throw Bad(
                        path, $"its pixels have {body[8]} bits and colour type {body[9]}, but a mosaic needs 16 bits and type 0, gray");
                }
                if (body[12] != 0)
                    throw Bad(path, "it is interlaced; save it without");
            }
            else if (rest[4..8].SequenceEqual("IDAT"u8))
            {
                compressed.Write(body);
            }
            rest = rest[((int)length + 12)..];
        }
        if (width == 0)
            throw Bad(path, "it has no header");
        compressed.Position = 0;
        return (width, height, compressed);
    }

    private static GenIspException Bad(string path, string why) => new($"{path} can't be read as a 16-bit gray PNG: {why}.");

    private static ushort[] Unfilter(Stream rows, int width, int height)
    {
        var stride = width * BytesPerPixel;
        var above = new byte[stride];
        var row = new byte[stride];
        var pixels = new ushort[width * height];
        for (var y = 0; y < height; y++)
        {
            var filter = rows.ReadByte();
            if (filter is < 0 or > 4)
                throw new InvalidDataException();
            rows.ReadExactly(row);
            for (var i = 0; i < stride; i++)
            {
                int left = i < BytesPerPixel ? 0 : row[i - BytesPerPixel];
                int up = above[i];
                int corner = i < BytesPerPixel ? 0 : above[i - BytesPerPixel];
                row[i] += (byte)(filter switch
                {
                    1 => left,
                    2 => up,
                    3 => (left + up) / 2,
                    4 => Paeth(left, up, corner),
                    _ => 0,
                });
            }
            for (var x = 0; x < width; x++)
                pixels[y * width + x] = BinaryPrimitives.ReadUInt16BigEndian(row.AsSpan(x * BytesPerPixel));
            (above, row) = (row, above);
        }
        return pixels;
    }

    // The neighbour nearest to left + up − corner.
    private static int Paeth(int left, int up, int corner)
    {
        var (byLeft, byUp, byCorner) = (Math.Abs(up - corner), Math.Abs(left - corner), Math.Abs(left + up - 2 * corner));
        return byLeft <= byUp && byLeft <= byCorner ? left : byUp <= byCorner ? up : corner;
    }
}
