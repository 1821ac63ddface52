namespace GenIsp.Downloads;

/// <summary>The checksum of zip files, CRC-32 (ISO 3309; PKWARE's APPNOTE, section 4.4.7), of bytes that come piece by piece.</summary>
internal sealed class Crc32
{
    private static readonly uint[] Table = [.. Enumerable.Range(0, 256).Select(index =>
    {
        var value = (uint)index;
        for (var bit = 0; bit < 8; bit++)
            value = (value >> 1) ^ ((value & 1) * 0xedb88320);
        return value;
    })];

    private uint _state = uint.MaxValue;

    /// <summary>The checksum of what came.</summary>
    public uint Value => ~_state;

    /// <summary>Takes the next bytes.</summary>
    public void Add(ReadOnlySpan<byte> bytes)
    {
        var state = _state;
        foreach (var value in bytes)
            state = Table[(byte)(state ^ value)] ^ (state >> 8);
        _state = state;
    }
}
