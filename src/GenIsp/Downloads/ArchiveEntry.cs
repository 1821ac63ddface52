using System.Formats.Tar;
using System.IO.Compression;

namespace GenIsp.Downloads;

/// <summary>What an entry of an archive is.</summary>
internal enum ArchiveEntryKind
{
    File,
    Folder,

    /// <summary>A link, a device, a pipe: nothing that a data set needs, and a way out of the folder.</summary>
    Other,
}

/// <summary>An entry of a zip or a tar.</summary>
/// <param name="Name">As it stands there: not to be trusted.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Length">Bytes of its content.</param>
/// <param name="Crc">Their CRC-32, where the archive tells.</param>
/// <param name="Open">Its content, once and in the archive's order.</param>
internal sealed record ArchiveEntry(string Name, ArchiveEntryKind Kind, long Length, uint? Crc, Func<Stream> Open)
{
    private const int UnixTypeMask = 0xf000;
    private const int UnixLink = 0xa000;

    /// <summary>The entries of an archive, whose format is told by its content, one after the other.</summary>
    /// <param name="file">The archive, from its beginning.</param>
    /// <param name="path">Its name for errors.</param>
    /// <exception cref="GenIspException">It is neither zip nor tar nor tar.gz, or damaged, or a bomb.</exception>
    public static IEnumerable<ArchiveEntry> ReadAll(FileStream file, string path)
    {
        var start = new byte[512];
        var head = start.AsSpan(0, file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false));
        file.Position = 0;
        var budget = new UnpackBudget(path, file.Length);
        if (head.StartsWith("PK\x03\x04"u8) || head.StartsWith("PK\x05\x06"u8))
            return ReadZip(file, path, budget);
        if (head.StartsWith<byte>([0x1f, 0x8b]))
            return ReadTar(new GZipStream(file, CompressionMode.Decompress, leaveOpen: true), path, budget);
        if (head.Length > 262 && head[257..].StartsWith("ustar"u8))
            return ReadTar(file, path, budget);
        throw new GenIspException(WebPage.Begins(head)
            ? $"{path} is a web page, which a download gave instead of the archive. Download it again."
            : $"{path} is no zip, tar or tar.gz. Unpack it with the program that it was made for.");
    }

    /// <summary>Whether reading failed because of what the archive is.</summary>
    public static bool IsDamage(Exception error) =>
        error is InvalidDataException or IOException or FormatException or NotSupportedException or ArgumentException or OverflowException;

    /// <summary>The error of a damaged archive.</summary>
    public static GenIspException Damaged(string path, Exception? error) =>
        new($"{path} is damaged or cut off{(error is null ? "" : $": {error.Message.TrimEnd('.')}")}. Download it again.", error);

    private static IReadOnlyList<ArchiveEntry> ReadZip(FileStream file, string path, UnpackBudget budget)
    {
        try
        {
            var entries = new ZipArchive(file, ZipArchiveMode.Read, leaveOpen: true).Entries;
            if (entries.FirstOrDefault(entry => entry.IsEncrypted) is { } encrypted)
                throw new GenIspException($"{path}: {encrypted.FullName} is encrypted. Unpack it with a program that asks for passwords.");
            return [.. entries.Select(entry => new ArchiveEntry(
                entry.FullName, KindOf(entry), entry.Length, entry.Crc32, () => new ArchiveStream(entry.Open(), path, budget)))];
        }
        catch (Exception error) when (IsDamage(error))
        {
            throw Damaged(path, error);
        }
    }

    private static ArchiveEntryKind KindOf(ZipArchiveEntry entry) =>
        ((entry.ExternalAttributes >> 16) & UnixTypeMask) == UnixLink ? ArchiveEntryKind.Other
        : entry.FullName.EndsWith('/') || entry.FullName.EndsWith('\\') ? ArchiveEntryKind.Folder
        : ArchiveEntryKind.File;

    private static IEnumerable<ArchiveEntry> ReadTar(Stream stream, string path, UnpackBudget budget)
    {
        using var counted = new ArchiveStream(stream, path, budget);
        using var tar = new TarReader(counted);
        while (Next(tar, path) is { } entry)
        {
            if (entry.EntryType == TarEntryType.GlobalExtendedAttributes)
                continue;
            budget.Require(entry.Length);
            yield return new ArchiveEntry(entry.Name, KindOf(entry.EntryType), entry.Length, null, () => entry.DataStream ?? Stream.Null);
        }
        // To the end, where a gzip has its checksum.
        counted.CopyTo(Stream.Null);
    }

    private static TarEntry? Next(TarReader tar, string path)
    {
        try
        {
            return tar.GetNextEntry();
        }
        catch (Exception error) when (IsDamage(error))
        {
            throw Damaged(path, error);
        }
    }

    private static ArchiveEntryKind KindOf(TarEntryType type) => type switch
    {
        TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.ContiguousFile => ArchiveEntryKind.File,
        TarEntryType.Directory or TarEntryType.DirectoryList => ArchiveEntryKind.Folder,
        _ => ArchiveEntryKind.Other,
    };
}
