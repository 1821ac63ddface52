using System.Security.Cryptography;
using System.Text.Json;

namespace GenIsp.Downloads;

/// <summary>
/// The beginning of a download, in <c>FILE.part</c>; which file it is the beginning of stands in <c>FILE.part.json</c> before the first
/// byte comes. So another process can go on with it, also after a kill.
/// </summary>
internal sealed class PartFile : IDisposable
{
    private readonly string _path;
    private readonly FileStream _stream;

    private PartFile(string path, FileStream stream) => (_path, _stream) = (path, stream);

    /// <summary>Which file this is the beginning of; null until the first answer.</summary>
    public RemoteFile? Remote { get; private set; }

    /// <summary>The bytes that are there.</summary>
    public long Length => _stream.Length;

    /// <summary>Whether all is there, as far as the server said how much that is.</summary>
    public bool IsComplete => Remote?.Size == Length;

    /// <summary>Its name, with <c>.part</c>.</summary>
    public string Name => _path + ".part";

    private string SidecarName => Name + ".json";

    /// <summary>Opens what is there of an earlier try, or an empty one. No other process can meanwhile.</summary>
    /// <exception cref="GenIspException">It can't be opened, or what is there is of something else.</exception>
    public static PartFile Open(Uri address, string path)
    {
        if (Directory.Exists(path))
            throw new GenIspException($"{path} is a folder. Give the name of a file in it.");
        PartFile? part = null;
        try
        {
            if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder)
                Directory.CreateDirectory(folder);
            // Unbuffered: a kill loses nothing that came.
            var stream = new FileStream(path + ".part", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
            part = new PartFile(path, stream);
            part.ReadSidecar(address);
            stream.Seek(0, SeekOrigin.End);
            return part;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            part?.Dispose();
            throw new GenIspException($"{path}.part can't be written: {error.Message}", error);
        }
        catch
        {
            part?.Dispose();
            throw;
        }
    }

    /// <summary>Remembers which file this is the beginning of.</summary>
    /// <exception cref="GenIspException">The disk is full.</exception>
    public void Begin(RemoteFile remote)
    {
        AtomicFile.Write(SidecarName, stream => JsonSerializer.Serialize(stream, remote));
        Remote = remote;
    }

    /// <summary>Adds bytes at the end.</summary>
    /// <exception cref="GenIspException">The disk is full.</exception>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        try
        {
            _stream.Write(bytes);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new GenIspException(
                $"{Name} can't be written: {error.Message}. What came is kept: make room, and the same command goes on from there.", error);
        }
    }

    /// <summary>Whether these bytes stand at a place.</summary>
    public bool Holds(long place, ReadOnlySpan<byte> bytes)
    {
        var own = new byte[bytes.Length];
        _stream.Position = place;
        _stream.ReadExactly(own);
        _stream.Seek(0, SeekOrigin.End);
        return bytes.SequenceEqual(own);
    }

    /// <summary>The SHA-256 of what is there.</summary>
    public async Task<byte[]> HashAsync(CancellationToken cancellation)
    {
        _stream.Position = 0;
        return await SHA256.HashDataAsync(_stream, cancellation).ConfigureAwait(false);
    }

    /// <summary>Gives the whole file its name.</summary>
    /// <exception cref="GenIspException">The disk is full, or a file of that name has appeared.</exception>
    public void Finish()
    {
        try
        {
            _stream.Flush(flushToDisk: true);
            _stream.Dispose();
            File.Move(Name, _path);
            File.Delete(SidecarName);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new GenIspException($"{_path} can't be written: {error.Message} All of it is in {Name}.", error);
        }
    }

    /// <summary>Closes it. It stays for the next try, unless it is empty.</summary>
    public void Dispose()
    {
        // What is finished was closed before.
        var isEmpty = _stream.CanSeek && Length == 0;
        _stream.Dispose();
        if (isEmpty)
        {
            File.Delete(SidecarName);
            File.Delete(Name);
        }
    }

    private void ReadSidecar(Uri address)
    {
        if (Length == 0)
            return;
        string ToDo() => $"Move {Name} away or delete it, and run the command again.";
        if (!File.Exists(SidecarName))
            throw new GenIspException($"{Name} is there, but not {SidecarName}, which says what it is the beginning of. {ToDo()}");
        try
        {
            Remote = JsonSerializer.Deserialize<RemoteFile>(InputFiles.ReadBytes(SidecarName));
        }
        catch (Exception error) when (error is JsonException or NotSupportedException)
        {
        }
        if (Remote?.Address is null || (Remote.Tag is { } tag && !System.Net.Http.Headers.EntityTagHeaderValue.TryParse(tag, out _)))
            throw new GenIspException($"{SidecarName} is damaged. {ToDo()}");
        if (Remote.Address != address)
            throw new GenIspException($"{Name} is the beginning of another file, {Remote.Address}. {ToDo()}");
        if (Length > Remote.Size)
            throw new GenIspException($"{Name} has {Length} bytes, which are more than the {Remote.Size} of the whole file. {ToDo()}");
    }
}
