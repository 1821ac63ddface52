using System.Buffers.Binary;
using System.Runtime.InteropServices;
using GenIsp.Detection.OnnxGraph.Proto;
using GenIsp.Weights;
using Google.Protobuf;

namespace GenIsp.Detection.OnnxGraph;

/// <summary>Reads ONNX files: a protobuf message that holds a graph and its weights.</summary>
public static class OnnxFile
{
    private const int External = 1; // TensorProto.DataLocation.EXTERNAL

    /// <summary>The weights (initializers) of an ONNX file, in its order; its metadata_props become the metadata.</summary>
    /// <param name="path">An ONNX file with its data inside.</param>
    /// <exception cref="GenIspException">The file can't be read, is not ONNX, keeps data elsewhere, or contradicts itself.</exception>
    public static StateDict ReadInitializers(string path)
    {
        var model = Read(path);
        var state = new StateDict();
        foreach (var tensor in model.Graph.Initializer)
        {
            if (state.ContainsKey(tensor.Name))
                throw new GenIspException($"{path} holds two weights named '{tensor.Name}'. The file is damaged.");
            state[tensor.Name] = ToTensorData(tensor, $"{path}: the weight '{tensor.Name}'");
        }
        foreach (var entry in model.MetadataProps)
            state.Metadata[entry.Key] = entry.Value;
        return state;
    }

    /// <summary>Parses a file; the graph is present, and nothing else of it is checked.</summary>
    internal static ModelProto Read(string path)
    {
        ModelProto model;
        try
        {
            model = ModelProto.Parser.ParseFrom(File.ReadAllBytes(path));
        }
        catch (InvalidProtocolBufferException error) // an IOException too
        {
            throw new GenIspException($"{path} is not an ONNX file, or is damaged: {error.Message}", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new GenIspException($"{path} can't be read: {error.Message}", error);
        }
        if (model.Graph is null || model.Graph.Node.Count == 0)
            throw new GenIspException($"{path} is not an ONNX file, or is damaged: it holds no graph.");
        return model;
    }

    /// <summary>A tensor as the file holds it, after its dimensions and its data were found to agree.</summary>
    /// <param name="tensor">An initializer or an attribute's value.</param>
    /// <param name="what">Names the file and the tensor, for the error.</param>
    internal static TensorData ToTensorData(TensorProto tensor, string what)
    {
        if (tensor.DataLocation == External || tensor.ExternalData.Count > 0)
            throw new GenIspException($"{what} lies in another file. Save the model as one file (onnx.save without external data).");
        var type = TypeOf(tensor.DataType)
            ?? throw new GenIspException($"{what} has elements of ONNX type {tensor.DataType}, which is not supported.");
        var bytes = tensor.RawData.Length > 0 ? tensor.RawData.Memory : TypedData(tensor, type);
        var expected = ByteCount(type, tensor.Dims);
        if (expected != bytes.Length)
        {
            throw new GenIspException($"{what} is damaged: {type} [{string.Join(", ", tensor.Dims)}] needs "
                + $"{expected?.ToString() ?? "another number of"} bytes, and it holds {bytes.Length}.");
        }
        return new TensorData(type, [.. tensor.Dims], bytes);
    }

    /// <summary>ONNX's number of an element type (TensorProto.DataType); null for those that no detector's weights use.</summary>
    internal static TensorType? TypeOf(int onnxType) => onnxType switch
    {
        1 => TensorType.Float32,
        2 => TensorType.UInt8,
        3 => TensorType.Int8,
        5 => TensorType.Int16,
        6 => TensorType.Int32,
        7 => TensorType.Int64,
        9 => TensorType.Bool,
        10 => TensorType.Float16,
        11 => TensorType.Float64,
        16 => TensorType.BFloat16,
        _ => null,
    };

    // Null where the dimensions are no tensor's.
    private static long? ByteCount(TensorType type, IReadOnlyList<long> dims)
    {
        Int128 count = TensorData.SizeOf(type);
        foreach (var dim in dims)
        {
            if (dim is < 0 or > int.MaxValue || (count *= dim) > int.MaxValue)
                return null;
        }
        return (long)count;
    }

    // The fields besides raw_data; the types narrower than 32 bits lie in int32_data, one element each.
    private static byte[] TypedData(TensorProto tensor, TensorType type)
    {
        switch (type)
        {
            case TensorType.Float32:
                return MemoryMarshal.AsBytes<float>([.. tensor.FloatData]).ToArray();
            case TensorType.Float64:
                return MemoryMarshal.AsBytes<double>([.. tensor.DoubleData]).ToArray();
            case TensorType.Int64:
                return MemoryMarshal.AsBytes<long>([.. tensor.Int64Data]).ToArray();
            default:
                var size = TensorData.SizeOf(type);
                var bytes = new byte[tensor.Int32Data.Count * size];
                Span<byte> element = stackalloc byte[4];
                for (var i = 0; i < tensor.Int32Data.Count; i++)
                {
                    BinaryPrimitives.WriteInt32LittleEndian(element, tensor.Int32Data[i]);
                    element[..size].CopyTo(bytes.AsSpan(i * size));
                }
                return bytes;
        }
    }
}
