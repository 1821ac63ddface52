using System.IO.Compression;
using System.Text;

namespace GenIsp.Weights;

/// <summary>A checkpoint since PyTorch 1.6: NAME/data.pkl, NAME/data/KEY for each storage, and NAME/byteorder in newer ones.</summary>
internal sealed class PthZip : IDisposable
{
    private const int MaxPickleLength = 64 << 20;

    // Deflate can't do better, so an entry that claims more lies.
    private const int MaxDeflateRatio = 1032;

    private readonly string _path;
    private readonly long _fileLength;
    private readonly ByteBudget _budget;
    private readonly ZipArchive _zip;
    private readonly Dictionary<string, ZipArchiveEntry> _entries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, byte[]> _storages = new(StringComparer.Ordinal);
    private readonly string _folder;
    private readonly bool _bigEndian;

    /// <summary>Reads everything but the storages.</summary>
    public PthZip(Stream file, string path, ByteBudget budget)
    {
        (_path, _fileLength, _budget) = (path, file.Length, budget);
        _zip = new ZipArchive(file, ZipArchiveMode.Read, leaveOpen: true);
        foreach (var entry in _zip.Entries)
        {
            if (!_entries.TryAdd(entry.FullName, entry))
                throw new GenIspException($"{path} is damaged: the archive holds {entry.FullName} twice.");
        }
        const string Pickle = "/data.pkl";
        var name = _entries.Keys.FirstOrDefault(name => name.EndsWith(Pickle, StringComparison.Ordinal))
            ?? throw new GenIspException($"{path} is a zip archive, but no PyTorch checkpoint: it has no data.pkl.");
        _folder = name[..^Pickle.Length];
        if (_entries.ContainsKey($"{_folder}/constants.pkl"))
            throw new GenIspException($"{path} is a TorchScript program. Save model.state_dict() with PyTorch, and read that.");
        if (_entries[name].Length > MaxPickleLength)
            throw new GenIspException($"{path} is refused: {name} claims {_entries[name].Length} bytes; {MaxPickleLength} are the most.");
        _bigEndian = _entries.TryGetValue($"{_folder}/byteorder", out var order) && Encoding.ASCII.GetString(Read(order)) == "big";
        Root = new PickleMachine(Read(_entries[name]), path).Load();
    }

    /// <summary>The object that was saved.</summary>
    public object? Root { get; }

    /// <summary>All bytes of a storage, little-endian; read once.</summary>
    public ReadOnlyMemory<byte> Storage(StorageReference reference)
    {
        if (_storages.TryGetValue(reference.Key, out var known))
            return known;
        if (!_entries.TryGetValue($"{_folder}/data/{reference.Key}", out var entry))
            throw new GenIspException($"{_path} is damaged: storage {reference.Key} is missing.");
        var size = TensorData.SizeOf(reference.Type);
        if (entry.Length % size != 0 || entry.Length / size != reference.Count)
            throw new GenIspException(
                $"{_path} is damaged: storage {reference.Key} has {entry.Length} bytes, not {reference.Count} elements of {size}.");
        var bytes = Read(entry);
        if (_bigEndian)
            PthLegacy.ReverseElements(bytes, size);
        return _storages[reference.Key] = bytes;
    }

    /// <inheritdoc/>
    public void Dispose() => _zip.Dispose();

    private byte[] Read(ZipArchiveEntry entry)
    {
        if (entry.CompressedLength > _fileLength || entry.Length < 0 || entry.Length > MaxDeflateRatio * entry.CompressedLength
            || entry.Length > Array.MaxLength)
        {
            throw new GenIspException($"{_path} is damaged or too large: {entry.FullName} claims {entry.Length} bytes.");
        }
        _budget.Spend(entry.Length, entry.FullName);
        var bytes = new byte[entry.Length];
        using var stream = entry.Open();
        stream.ReadExactly(bytes);
        return bytes;
    }
}
