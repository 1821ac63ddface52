using GenIsp.Detection.OnnxGraph.Proto;
using GenIsp.Weights;
using static TorchSharp.torch;

namespace GenIsp.Detection.OnnxGraph;

/// <summary>What a node asks for and this importer can't do; the graph collects them all before it reports.</summary>
internal sealed class UnsupportedException(string message) : Exception(message);

/// <summary>A node of the graph while it is turned into a kernel: its operator, attributes and opset.</summary>
internal sealed class Node
{
    private readonly Dictionary<string, AttributeProto> _attributes = new(StringComparer.Ordinal);
    private readonly HashSet<string> _read = new(StringComparer.Ordinal);
    private readonly string _source;

    /// <param name="proto">The node as the file has it.</param>
    /// <param name="opset">The version of the standard operator set that the file names.</param>
    /// <param name="type">What floating-point tensors are computed in: Float32 or Float64.</param>
    /// <param name="source">The file's name, for errors.</param>
    public Node(NodeProto proto, long opset, ScalarType type, string source)
    {
        Proto = proto;
        Opset = opset;
        Type = type;
        _source = source;
        foreach (var attribute in proto.Attribute)
        {
            if (!_attributes.TryAdd(attribute.Name, attribute))
                throw new GenIspException($"{source}: {Description} has two attributes '{attribute.Name}'. The file is damaged.");
        }
    }

    public NodeProto Proto { get; }

    public long Opset { get; }

    public ScalarType Type { get; }

    /// <summary>Names the node in errors: "Conv node 'conv1' (opset 11)".</summary>
    public string Description
    {
        get
        {
            var domain = Proto.Domain is "" or "ai.onnx" ? "" : $"{Proto.Domain}.";
            var name = Proto.Name.Length > 0 ? Proto.Name : Proto.Output.FirstOrDefault() ?? "";
            return $"{domain}{Proto.OpType} node '{name}' (opset {Opset})";
        }
    }

    /// <summary>Attributes that the file gives and no kernel asked for: their meaning would be lost.</summary>
    public IEnumerable<string> UnreadAttributes => _attributes.Keys.Where(name => !_read.Contains(name));

    public bool Has(string name) => Find(name, 0) is not null;

    public long Int(string name, long otherwise) => Find(name, 2)?.I ?? otherwise;

    public bool Flag(string name, bool otherwise = false) => Int(name, otherwise ? 1 : 0) != 0;

    public float Float(string name, float otherwise) => Find(name, 1)?.F ?? otherwise;

    public string Text(string name, string otherwise) => Find(name, 3)?.S.ToStringUtf8() ?? otherwise;

    public long[]? Ints(string name) => Find(name, 7) is { } attribute ? [.. attribute.Ints] : null;

    public float[]? Floats(string name) => Find(name, 6) is { } attribute ? [.. attribute.Floats] : null;

    /// <summary>A tensor's value, on the importer's dtypes; the caller owns it.</summary>
    public Tensor? TensorValue(string name) => Find(name, 4)?.T is { } value
        ? ToTorch(OnnxFile.ToTensorData(value, $"{_source}: attribute '{name}' of {Description}"), Type)
        : null;

    /// <summary>Refuses a node whose attribute has a value other than those that are supported.</summary>
    public string OneOf(string name, string otherwise, params ReadOnlySpan<string> supported)
    {
        var value = Text(name, otherwise);
        return supported.Contains(value) ? value : throw new UnsupportedException($"{name} = {value}");
    }

    /// <summary>Refuses a node where an attribute that is not supported is set.</summary>
    public void Only(string name, long supported)
    {
        if (Int(name, supported) is var value && value != supported)
            throw new UnsupportedException($"{name} = {value}");
    }

    /// <summary>
    /// Floating-point data in <paramref name="type"/>, integers as Int64, Booleans as Bool: the only dtypes that a graph computes in.
    /// </summary>
    public static Tensor ToTorch(TensorData data, ScalarType type) => data.Type switch
    {
        TensorType.Bool => tensor(data.ToInt64s(), [.. data.Shape], dtype: ScalarType.Int64).to_type(ScalarType.Bool),
        TensorType.Int64 or TensorType.Int32 or TensorType.Int16 or TensorType.Int8 or TensorType.UInt8 =>
            tensor(data.ToInt64s(), [.. data.Shape], dtype: ScalarType.Int64),
        _ => data.ToTorch().to_type(type),
    };

    private AttributeProto? Find(string name, int type)
    {
        _read.Add(name);
        if (!_attributes.TryGetValue(name, out var attribute))
            return null;
        if (type != 0 && attribute.Type != 0 && attribute.Type != type)
            throw new GenIspException($"{_source}: attribute '{name}' of {Description} has the wrong type. The file is damaged.");
        return attribute;
    }
}
