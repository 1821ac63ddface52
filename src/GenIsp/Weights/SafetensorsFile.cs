using System.Buffers.Binary;
using System.Text.Json;

namespace GenIsp.Weights;

/// <summary>
/// safetensors files: the length of a JSON header, the header, and the tensors' bytes. The format:
/// https://github.com/huggingface/safetensors#format.
/// </summary>
public static class SafetensorsFile
{
    private const string MetadataKey = "__metadata__";
    private const int LengthSize = sizeof(long);
    private const int Alignment = 8;
    private const int MaxHeaderLength = 100_000_000; // The format's own limit.

    private static readonly (string Name, TensorType Type)[] Types =
    [
        ("F64", TensorType.Float64), ("F32", TensorType.Float32), ("F16", TensorType.Float16), ("BF16", TensorType.BFloat16),
        ("I64", TensorType.Int64), ("I32", TensorType.Int32), ("I16", TensorType.Int16), ("I8", TensorType.Int8),
        ("U8", TensorType.UInt8), ("BOOL", TensorType.Bool),
    ];

    private sealed record Entry(string Name, TensorType Type, long[] Shape, long Begin, long End);

    /// <summary>Reads all tensors and the metadata of a file.</summary>
    /// <returns>The tensors in the order of the header.</returns>
    /// <exception cref="GenIspException">The file can't be read, or is not as the format demands.</exception>
    public static StateDict Read(string path)
    {
        using var file = InputFiles.Open(path);
        return Read(file, path);
    }

    /// <summary>The same from a stream that can seek.</summary>
    internal static StateDict Read(Stream file, string path)
    {
        try
        {
            var state = new StateDict();
            var (entries, dataStart) = ReadHeader(file, path, state.Metadata);
            CheckThatDataIsCovered(entries, file.Length - dataStart, path);
            foreach (var entry in entries)
            {
                var bytes = new byte[entry.End - entry.Begin];
                file.Position = dataStart + entry.Begin;
                file.ReadExactly(bytes);
                state[entry.Name] = new(entry.Type, entry.Shape, bytes);
            }
            return state;
        }
        // JsonDocument reports text that is no Unicode as an InvalidOperationException, when it is first asked for.
        catch (Exception error) when (error is IOException or JsonException or InvalidOperationException)
        {
            throw Damaged(path, error.Message, error);
        }
    }

    /// <summary>Writes tensors and metadata. Nobody ever sees half of the file.</summary>
    /// <exception cref="GenIspException">The file can't be written.</exception>
    public static void Write(string path, StateDict tensors)
    {
        // Large elements first, as everybody does, so that each tensor lies aligned.
        var laidOut = tensors.OrderByDescending(pair => TensorData.SizeOf(pair.Value.Type)).ToList();
        var header = Header(tensors, laidOut);
        AtomicFile.Write(path, file =>
        {
            Span<byte> length = stackalloc byte[LengthSize];
            BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
            file.Write(length);
            file.Write(header);
            foreach (var (_, tensor) in laidOut)
                file.Write(tensor.Bytes.Span);
        });
    }

    private static byte[] Header(StateDict tensors, List<KeyValuePair<string, TensorData>> laidOut)
    {
        var begins = new Dictionary<string, long>(StringComparer.Ordinal);
        var end = 0L;
        foreach (var (name, tensor) in laidOut)
        {
            begins[name] = end;
            end += tensor.Bytes.Length;
        }

        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (tensors.Metadata.Count > 0)
            {
                json.WriteStartObject(MetadataKey);
                foreach (var (key, value) in tensors.Metadata)
                    json.WriteString(key, value);
                json.WriteEndObject();
            }
            foreach (var (name, tensor) in tensors)
            {
                json.WriteStartObject(name);
                json.WriteString("dtype", Types.First(pair => pair.Type == tensor.Type).Name);
                WriteNumbers(json, "shape", tensor.Shape);
                WriteNumbers(json, "data_offsets", [begins[name], begins[name] + tensor.Bytes.Length]);
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        while (buffer.Length % Alignment != 0)
            buffer.WriteByte((byte)' ');
        return buffer.ToArray();
    }

    private static void WriteNumbers(Utf8JsonWriter json, string name, IReadOnlyList<long> numbers)
    {
        json.WriteStartArray(name);
        foreach (var number in numbers)
            json.WriteNumberValue(number);
        json.WriteEndArray();
    }

    private static (List<Entry> Entries, long DataStart) ReadHeader(Stream file, string path, Dictionary<string, string> metadata)
    {
        Span<byte> prefix = stackalloc byte[LengthSize];
        if (file.ReadAtLeast(prefix, LengthSize, throwOnEndOfStream: false) < LengthSize)
            throw Damaged(path, $"it has only {file.Length} bytes");
        var length = BinaryPrimitives.ReadInt64LittleEndian(prefix);
        if (length is <= 0 or > MaxHeaderLength || length > file.Length - LengthSize)
            throw Damaged(path, $"it claims a header of {length} bytes, and has {file.Length} bytes in all");
        var header = new byte[length];
        file.ReadExactly(header);

        using var json = JsonDocument.Parse(header, new JsonDocumentOptions { AllowDuplicateProperties = false });
        if (json.RootElement.ValueKind != JsonValueKind.Object)
            throw Damaged(path, "its header is no JSON object");
        var entries = new List<Entry>();
        foreach (var property in json.RootElement.EnumerateObject())
        {
            if (property.NameEquals(MetadataKey))
                ReadMetadata(property.Value, path, metadata);
            else
                entries.Add(ReadEntry(property.Name, property.Value, path));
        }
        return (entries, LengthSize + length);
    }

    private static void ReadMetadata(JsonElement json, string path, Dictionary<string, string> metadata)
    {
        if (json.ValueKind != JsonValueKind.Object)
            throw Damaged(path, $"{MetadataKey} is no JSON object");
        foreach (var property in json.EnumerateObject())
        {
            if (property.Value.ValueKind != JsonValueKind.String)
                throw Damaged(path, $"\"{property.Name}\" in {MetadataKey} is no string");
            metadata[property.Name] = property.Value.GetString()!;
        }
    }

    private static Entry ReadEntry(string name, JsonElement json, string path)
    {
        if (json.ValueKind != JsonValueKind.Object
            || !json.TryGetProperty("dtype", out var dtype) || dtype.ValueKind != JsonValueKind.String
            || !json.TryGetProperty("shape", out var dimensions) || Numbers(dimensions) is not { } shape
            || !json.TryGetProperty("data_offsets", out var offsets) || Numbers(offsets) is not [var begin, var end])
        {
            throw Damaged(path, $"the header's entry \"{name}\" lacks a dtype, a shape, or two data_offsets");
        }
        var (known, type) = Types.FirstOrDefault(pair => dtype.ValueEquals(pair.Name));
        if (known is null)
        {
            var names = string.Join(", ", Types.Select(pair => pair.Name));
            throw new GenIspException($"{path}: \"{name}\" has elements of type {dtype.GetString()}. Those that can be read are {names}.");
        }
        if (begin > end || TensorData.ByteCount(type, shape) != end - begin)
            throw Damaged(path, $"\"{name}\", {known} [{string.Join(", ", shape)}], can't be what lies at {begin} to {end}");
        return new(name, type, shape, begin, end);
    }

    // Null unless all are integers of at least 0.
    private static long[]? Numbers(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Array)
            return null;
        var numbers = new long[json.GetArrayLength()];
        var index = 0;
        foreach (var item in json.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Number || !item.TryGetInt64(out numbers[index]) || numbers[index++] < 0)
                return null;
        }
        return numbers;
    }

    // The format demands that the tensors fill the data, without holes or overlaps.
    private static void CheckThatDataIsCovered(List<Entry> entries, long dataLength, string path)
    {
        var end = 0L;
        foreach (var entry in entries.OrderBy(entry => entry.Begin).ThenBy(entry => entry.End))
        {
            if (entry.Begin != end)
                throw Damaged(path, $"\"{entry.Name}\" lies at {entry.Begin}, but what is before it ends at {end}");
            if (entry.End > dataLength)
                throw Damaged(path, $"\"{entry.Name}\" ends at {entry.End}, and there are only {dataLength} bytes of data: it was cut off");
            if (entry.End - entry.Begin > Array.MaxLength)
                throw new GenIspException($"{path}: \"{entry.Name}\" is too large: {Array.MaxLength} bytes are the most.");
            end = entry.End;
        }
        if (end != dataLength)
            throw Damaged(path, $"its tensors end at {end}, but there are {dataLength} bytes of data");
    }

    private static GenIspException Damaged(string path, string what, Exception? inner = null) =>
        new($"{path} is no safetensors file, or is damaged: {what}.", inner);
}
