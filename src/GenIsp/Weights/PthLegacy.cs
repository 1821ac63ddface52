using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;

namespace GenIsp.Weights;

/// <summary>
/// A checkpoint before PyTorch 1.6: the pickles of a magic number, a version, facts of the machine, the object, and the storages' keys;
/// then each storage, as an int64 count of elements and the elements.
/// </summary>
internal sealed class PthLegacy
{
    private const long ProtocolVersion = 1001;

    private static readonly BigInteger Magic =
        BigInteger.Parse("1950a86a20f9469cfc6c", NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    private readonly string _path;
    private readonly Dictionary<string, ReadOnlyMemory<byte>> _storages = new(StringComparer.Ordinal);

    /// <summary>Reads everything.</summary>
    public PthLegacy(Stream file, string path)
    {
        _path = path;
        if (file.Length > Array.MaxLength)
            throw new GenIspException($"{path} is too large for PyTorch's old format: {Array.MaxLength} bytes are the most. Save it anew.");
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);

        var machine = new PickleMachine(bytes, path);
        if (machine.Load() is not BigInteger magic || magic != Magic)
            throw new GenIspException($"{path} is a Python pickle, but no PyTorch checkpoint.");
        if (machine.Load() is not ProtocolVersion)
            throw machine.Damaged($"its version is not {ProtocolVersion}");
        var bigEndian = machine.Load() is PickleDict machineFacts && machineFacts.Find("little_endian") is false;
        Root = machine.Load();
        if (machine.Load() is not List<object?> keys)
            throw machine.Damaged("the list of storages is missing");
        ReadStorages(bytes, machine, keys, bigEndian);
    }

    /// <summary>The object that was saved.</summary>
    public object? Root { get; }

    /// <summary>All bytes of a storage, little-endian.</summary>
    public ReadOnlyMemory<byte> Storage(StorageReference reference) =>
        _storages.TryGetValue(reference.Key, out var bytes)
            ? bytes
            : throw new GenIspException($"{_path} is damaged: storage {reference.Key} is missing.");

    /// <summary>Turns big-endian elements into little-endian ones.</summary>
    public static void ReverseElements(Span<byte> bytes, int size)
    {
        for (; bytes.Length > 0; bytes = bytes[size..])
            bytes[..size].Reverse();
    }

    private void ReadStorages(byte[] bytes, PickleMachine machine, List<object?> keys, bool bigEndian)
    {
        var position = machine.Position;
        foreach (var item in keys)
        {
            if (item is not string key || !machine.Storages.TryGetValue(key, out var reference) || _storages.ContainsKey(key))
                throw machine.Damaged("the list of storages is not that of the tensors");
            var size = TensorData.SizeOf(reference.Type);
            if (bytes.Length - position < sizeof(long))
                throw CutOff(key);
            var count = BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(position));
            position += sizeof(long);
            if (count != reference.Count)
                throw new GenIspException($"{_path} is damaged: storage {key} has {count} elements, not {reference.Count}.");
            if (count > (bytes.Length - position) / size)
                throw CutOff(key);
            var length = (int)count * size;
            if (bigEndian)
                ReverseElements(bytes.AsSpan(position, length), size);
            _storages[key] = bytes.AsMemory(position, length);
            position += length;
        }
    }

    private GenIspException CutOff(string key) =>
        new($"{_path} is cut off in storage {key}. If it was downloaded, download it again.");
}
