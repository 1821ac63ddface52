using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using GenIsp.Color;
using GenIsp.Geometry;
using GenIsp.Raw;

namespace GenIsp.Data;

/// <summary>
/// A linear image as it lies in a file of the <see cref="ImageCache"/>: a mark and a version, the SHA-256 of all that follows, a header,
/// and the pixels, planar, in half precision.
/// </summary>
/// <param name="SensorWidth">Columns of the sensor that it comes from.</param>
/// <param name="SensorHeight">Rows of the same.</param>
/// <param name="Orientation">What made it upright.</param>
/// <param name="Pixels">[3, H, W], as <see cref="HalfPixels"/> rounds.</param>
/// <param name="White">As in <see cref="LinearImage"/>.</param>
/// <param name="Saturated">As in <see cref="LinearImage"/>.</param>
internal sealed record StoredImage(
    int SensorWidth, int SensorHeight, Orientation Orientation, float[] Pixels, Vector3? White, Vector3 Saturated)
{
    /// <summary>To be raised when the format changes.</summary>
    private const int Version = 1;

    private static readonly byte[] Mark = [.. "GenIsp image"u8, .. BitConverter.GetBytes(Version)];

    private static int HeaderStart => Mark.Length + SHA256.HashSizeInBytes;

    private static int PixelStart => HeaderStart + Unsafe.SizeOf<Header>();

    /// <summary>The file's content.</summary>
    public static byte[] ToBytes(SensorShape sensor, LinearImage image)
    {
        var bytes = new byte[PixelStart + 2 * image.Pixels.Length];
        var exponent = HalfPixels.Round(image.Pixels.Span, MemoryMarshal.Cast<byte, Half>(bytes.AsSpan(PixelStart)));
        MemoryMarshal.Write(bytes.AsSpan(HeaderStart), new Header(
            sensor.Width, sensor.Height, (int)sensor.Orientation, exponent, image.White is null ? 0 : 1, image.White ?? default,
            image.Saturated));
        Mark.CopyTo(bytes, 0);
        SHA256.HashData(bytes.AsSpan(HeaderStart), bytes.AsSpan(Mark.Length));
        return bytes;
    }

    /// <summary>Reads what <see cref="ToBytes"/> made.</summary>
    /// <exception cref="InvalidDataException">It is of another version, or not as it was written.</exception>
    public static StoredImage Parse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < PixelStart)
            throw new InvalidDataException($"it has only {bytes.Length} bytes");
        if (!bytes[..Mark.Length].SequenceEqual(Mark))
            throw new InvalidDataException("it is of another version, or no cached image");
        if (!SHA256.HashData(bytes[HeaderStart..]).AsSpan().SequenceEqual(bytes[Mark.Length..HeaderStart]))
            throw new InvalidDataException("it was cut short or changed: its checksum is another");
        var header = MemoryMarshal.Read<Header>(bytes[HeaderStart..]);
        return new StoredImage(
            header.SensorWidth, header.SensorHeight, (Orientation)header.Orientation,
            HalfPixels.ToSingles(MemoryMarshal.Cast<byte, Half>(bytes[PixelStart..]), header.Exponent),
            header.HasWhite != 0 ? header.White : null, header.Saturated);
    }

    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private readonly record struct Header(
        int SensorWidth, int SensorHeight, int Orientation, int Exponent, int HasWhite, Vector3 White, Vector3 Saturated);
}
