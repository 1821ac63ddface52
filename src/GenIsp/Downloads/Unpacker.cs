namespace GenIsp.Downloads;

/// <summary>What unpacking did.</summary>
/// <param name="Written">Files that were written.</param>
/// <param name="Kept">Files that were there already, with the same content.</param>
/// <param name="Bytes">Bytes of both.</param>
/// <param name="LeftOut">Names of links, devices and pipes, which are not made.</param>
public sealed record UnpackResult(int Written, int Kept, long Bytes, IReadOnlyList<string> LeftOut);

/// <summary>Unpacks archives of strangers.</summary>
public static class Unpacker
{
    /// <summary>
    /// Unpacks a zip, tar or tar.gz, told by its content. Nothing is written outside the folder, nothing is overwritten, and a file has
    /// its name only when all of it is there. So a run that was interrupted can be repeated: what is there already is compared and kept.
    /// Links are left out. Sizes and checksums are verified.
    /// </summary>
    /// <param name="archive">The archive's file.</param>
    /// <param name="folder">Where to; it is created if need be.</param>
    /// <param name="progress">Is told the bytes of the archive that are done, and all of them.</param>
    /// <param name="cancellation">Ends it; what is unpacked stays.</param>
    /// <exception cref="GenIspException">
    /// The archive can't be read, is damaged, of another format or encrypted, has names that lead out of the folder, or would become 200
    /// times as large as it is; a file is there with another content; or the disk is full.
    /// </exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static UnpackResult Unpack(
        string archive, string folder, IProgress<(long Done, long Total)>? progress = null, CancellationToken cancellation = default)
    {
        using var file = InputFiles.Open(archive);
        var entries = ArchiveEntry.ReadAll(file, archive);
        var root = Path.GetFullPath(folder);
        try
        {
            Directory.CreateDirectory(root);
            // A zip tells beforehand what is in it, so that what is wrong is found before anything is written.
            if (entries is IReadOnlyList<ArchiveEntry> known)
                Check(known, archive, root, file.Length);
            var (written, kept, bytes, leftOut) = (0, 0, 0L, new List<string>());
            foreach (var entry in entries)
            {
                var target = Target(root, entry.Name, archive);
                switch (entry.Kind)
                {
                    case ArchiveEntryKind.Other:
                        leftOut.Add(entry.Name);
                        break;
                    case ArchiveEntryKind.Folder:
                        Directory.CreateDirectory(target);
                        break;
                    default:
                        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
                        void Report() => progress?.Report((file.Position, file.Length));
                        if (File.Exists(target))
                        {
                            RequireSame(entry, target, archive, Report, cancellation);
                            kept++;
                        }
                        else
                        {
                            AtomicFile.Write(
                                target, stream => Read(entry, archive, bytes => stream.Write(bytes), Report, cancellation), durable: false);
                            written++;
                        }
                        bytes += entry.Length;
                        break;
                }
            }
            return new UnpackResult(written, kept, bytes, leftOut);
        }
        catch (GenIspException error) when (error.InnerException is IOException and not EndOfStreamException)
        {
            throw new GenIspException($"{error.Message} What is unpacked stays, and the same command goes on after it.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new GenIspException($"{archive} can't be unpacked to {folder}: {error.Message}", error);
        }
    }

    /// <summary>Where an entry belongs.</summary>
    /// <exception cref="GenIspException">Its name leads out of the folder, or is none that a file can have.</exception>
    internal static string Target(string root, string name, string archive)
    {
        GenIspException Refused(string reason) =>
            new($"{archive} is refused: \"{string.Concat(name.Select(c => char.IsControl(c) ? '?' : c))}\" in it {reason}.");
        // Some programs of Windows write backslashes, against the zip format's rules.
        var parts = name.Replace('\\', '/').Split('/');
        if (parts[0].Length == 0 || parts.Contains("..") || (parts[0].Length == 2 && parts[0][1] == ':'))
            throw Refused("leads out of the folder");
        if (name.Any(char.IsControl) || parts.Any(part => part.IndexOfAny(Path.GetInvalidFileNameChars()) >= 0))
            throw Refused("is no name of a file");
        var target = Path.GetFullPath(Path.Combine([root, .. parts]));
        var inside = Path.TrimEndingDirectorySeparator(root) + Path.DirectorySeparatorChar;
        return target == root || target.StartsWith(inside, StringComparison.Ordinal)
            ? target
            : throw Refused("leads out of the folder");
    }

    private static void Check(IReadOnlyList<ArchiveEntry> entries, string archive, string root, long length)
    {
        var (budget, missing) = (new UnpackBudget(archive, length), 0L);
        foreach (var entry in entries)
        {
            budget.Spend(entry.Length);
            if (!File.Exists(Target(root, entry.Name, archive)))
                missing += entry.Length;
        }
        DiskSpace.Require(root, missing, archive);
    }

    // All content of an entry, in pieces.
    private static void Read(
        ArchiveEntry entry, string archive, Action<ReadOnlySpan<byte>> take, Action report, CancellationToken cancellation)
    {
        using var source = Open(entry, archive);
        var (buffer, crc, total) = (new byte[1 << 17], new Crc32(), 0L);
        for (int count; (count = source.Read(buffer)) > 0; total += count)
        {
            cancellation.ThrowIfCancellationRequested();
            if (total + count > entry.Length)
                break;
            crc.Add(buffer.AsSpan(0, count));
            take(buffer.AsSpan(0, count));
            report();
        }
        if (total != entry.Length || (entry.Crc is { } expected && crc.Value != expected))
            throw ArchiveEntry.Damaged($"{archive}: {entry.Name}", null);
    }

    private static Stream Open(ArchiveEntry entry, string archive)
    {
        try
        {
            return entry.Open();
        }
        catch (Exception error) when (ArchiveEntry.IsDamage(error))
        {
            throw ArchiveEntry.Damaged($"{archive}: {entry.Name}", error);
        }
    }

    private static void RequireSame(ArchiveEntry entry, string target, string archive, Action report, CancellationToken cancellation)
    {
        using var there = InputFiles.Open(target);
        var (isSame, own) = (there.Length == entry.Length, new byte[1 << 17]);
        if (isSame)
        {
            Read(entry, archive, bytes => isSame = isSame
                && there.ReadAtLeast(own.AsSpan(0, bytes.Length), bytes.Length, throwOnEndOfStream: false) == bytes.Length
                && bytes.SequenceEqual(own.AsSpan(0, bytes.Length)), report, cancellation);
        }
        if (!isSame)
        {
            throw new GenIspException(
                $"{target} is there already, with another content than in {archive}. Unpack into another folder, or move the file away.");
        }
    }
}
