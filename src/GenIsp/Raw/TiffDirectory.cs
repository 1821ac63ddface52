using System.Buffers.Binary;
using System.Text;

namespace GenIsp.Raw;

/// <summary>One image file directory of a little-endian TIFF (TIFF 6.0, section 2): tags with their values.</summary>
internal sealed class TiffDirectory
{
    private readonly SortedDictionary<ushort, (Kind Kind, int Count, byte[] Value)> _entries = [];

    // TIFF 6.0, section 2, "Types".
    private enum Kind : ushort
    {
        Byte = 1,
        Ascii = 2,
        Short = 3,
        Long = 4,
        Rational = 5,
        Undefined = 7,
        SignedRational = 10,
    }

    /// <summary>The number of bytes that <see cref="ToBytes"/> gives; even.</summary>
    public int Size => HeadSize + _entries.Values.Sum(entry => SizeOutside(entry.Value));

    private int HeadSize => sizeof(ushort) + 12 * _entries.Count + sizeof(uint);

    public void AddBytes(ushort tag, params byte[] values) => _entries.Add(tag, (Kind.Byte, values.Length, values));

    public void AddUndefined(ushort tag, byte[] values) => _entries.Add(tag, (Kind.Undefined, values.Length, values));

    /// <summary>Text. TIFF knows only printable ASCII; anything else becomes a question mark.</summary>
    public void AddText(ushort tag, string text)
    {
        byte[] value = [.. Encoding.ASCII.GetBytes(text).Select(letter => letter is < 0x20 or 0x7f ? (byte)'?' : letter), 0];
        _entries.Add(tag, (Kind.Ascii, value.Length, value));
    }

    public void AddShorts(ushort tag, params ushort[] values) =>
        Add(tag, Kind.Short, values, sizeof(ushort), (place, value) => BinaryPrimitives.WriteUInt16LittleEndian(place, value));

    public void AddLongs(ushort tag, params uint[] values) =>
        Add(tag, Kind.Long, values, sizeof(uint), (place, value) => BinaryPrimitives.WriteUInt32LittleEndian(place, value));

    /// <summary>Fractions of numbers from 0 to 2³² − 1.</summary>
    public void AddRationals(ushort tag, params double[] values) => AddFractions(tag, Kind.Rational, values, uint.MaxValue);

    /// <summary>Fractions of numbers whose magnitude is at most 2³¹ − 1.</summary>
    public void AddSignedRationals(ushort tag, params double[] values) => AddFractions(tag, Kind.SignedRational, values, int.MaxValue);

    /// <summary>The directory as it stands at <paramref name="offset"/> in the file, its long values right behind it.</summary>
    public byte[] ToBytes(uint offset)
    {
        var bytes = new byte[Size];
        var entryAt = sizeof(ushort);
        var valueAt = HeadSize;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)_entries.Count);
        foreach (var (tag, (kind, count, value)) in _entries)
        {
            var entry = bytes.AsSpan(entryAt, 12);
            BinaryPrimitives.WriteUInt16LittleEndian(entry, tag);
            BinaryPrimitives.WriteUInt16LittleEndian(entry[2..], (ushort)kind);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[4..], (uint)count);
            if (SizeOutside(value) == 0)
            {
                value.CopyTo(entry[8..]);
            }
            else
            {
                BinaryPrimitives.WriteUInt32LittleEndian(entry[8..], offset + (uint)valueAt);
                value.CopyTo(bytes, valueAt);
                valueAt += SizeOutside(value);
            }
            entryAt += 12;
        }
        return bytes;
    }

    // Up to four bytes stand in the entry itself; longer values begin at even offsets.
    private static int SizeOutside(byte[] value) => value.Length <= 4 ? 0 : value.Length + (value.Length & 1);

    // The finest decimal denominator that the number leaves room for.
    private void AddFractions(ushort tag, Kind kind, double[] values, uint limit) => Add(tag, kind, values, 8, (place, value) =>
    {
        var denominator = 1_000_000u;
        while (denominator > 1 && Math.Abs(value) * denominator > limit)
            denominator /= 10;
        BinaryPrimitives.WriteUInt32LittleEndian(place, (uint)(long)Math.Round(value * denominator));
        BinaryPrimitives.WriteUInt32LittleEndian(place[4..], denominator);
    });

    private void Add<T>(ushort tag, Kind kind, T[] values, int size, Put<T> put)
    {
        var bytes = new byte[values.Length * size];
        for (var i = 0; i < values.Length; i++)
            put(bytes.AsSpan(i * size, size), values[i]);
        _entries.Add(tag, (kind, values.Length, bytes));
    }

    private delegate void Put<T>(Span<byte> place, T value);
}
