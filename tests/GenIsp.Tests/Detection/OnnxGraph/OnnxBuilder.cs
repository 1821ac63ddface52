using System.Runtime.InteropServices;
using GenIsp.Detection.OnnxGraph.Proto;
using Google.Protobuf;

namespace GenIsp.Tests.Detection.OnnxGraph;

/// <summary>Builds small ONNX models; its input is "x", float.</summary>
internal sealed class OnnxBuilder
{
    public OnnxBuilder(int opset, params long[] inputShape)
    {
        Model = new ModelProto { IrVersion = 8, ProducerName = "test", Graph = new GraphProto { Name = "graph" } };
        Model.OpsetImport.Add(new OperatorSetIdProto { Version = opset });
        Model.Graph.Input.Add(Value("x", inputShape));
    }

    public ModelProto Model { get; }

    /// <summary>A node; inputs and outputs are separated by spaces, "_" is one that is left out.</summary>
    public OnnxBuilder Node(string op, string inputs, string outputs, params (string Name, object Value)[] attributes)
    {
        var node = new NodeProto { OpType = op, Name = $"{op}_{Model.Graph.Node.Count}" };
        node.Input.AddRange(Names(inputs));
        node.Output.AddRange(Names(outputs));
        node.Attribute.AddRange(attributes.Select(attribute => Attribute(attribute.Name, attribute.Value)));
        Model.Graph.Node.Add(node);
        return this;
    }

    public OnnxBuilder Weight(string name, float[] values, params long[] dims)
    {
        Model.Graph.Initializer.Add(Tensor(values, dims.Length == 0 ? [values.Length] : dims, name));
        return this;
    }

    /// <summary>A weight of random values in −1..1, always the same for the same shape.</summary>
    public OnnxBuilder RandomWeight(string name, params long[] dims) =>
        Weight(name, Random(dims.Aggregate(1L, (product, size) => product * size), seed: dims.Length), dims);

    public OnnxBuilder Scalar(string name, float value)
    {
        Model.Graph.Initializer.Add(Tensor([value], [], name));
        return this;
    }

    public OnnxBuilder Longs(string name, params long[] values)
    {
        Model.Graph.Initializer.Add(Tensor(values, name));
        return this;
    }

    public OnnxBuilder Metadata(string key, string value)
    {
        Model.MetadataProps.Add(new StringStringEntryProto { Key = key, Value = value });
        return this;
    }

    /// <summary>The model with these outputs, all float.</summary>
    public ModelProto Build(string outputs = "y")
    {
        Model.Graph.Output.AddRange(Names(outputs).Select(name => Value(name, null)));
        return Model;
    }

    public static TensorProto Tensor(float[] values, long[] dims, string name = "")
    {
        var tensor = new TensorProto { Name = name, DataType = 1, RawData = Bytes<float>(values) };
        tensor.Dims.AddRange(dims);
        return tensor;
    }

    public static TensorProto Tensor(long[] values, string name = "")
    {
        var tensor = new TensorProto { Name = name, DataType = 7, RawData = Bytes<long>(values) };
        tensor.Dims.Add(values.Length);
        return tensor;
    }

    public static float[] Random(long count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, (int)count).Select(_ => random.NextSingle() * 2 - 1)];
    }

    private static ByteString Bytes<T>(ReadOnlySpan<T> values)
        where T : struct => ByteString.CopyFrom(MemoryMarshal.AsBytes(values));

    private static string[] Names(string text) =>
        [.. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(name => name == "_" ? "" : name)];

    private static ValueInfoProto Value(string name, long[]? shape)
    {
        var tensor = new TypeProto.Types.Tensor { ElemType = 1 };
        if (shape is not null)
        {
            tensor.Shape = new TensorShapeProto();
            tensor.Shape.Dim.AddRange(shape.Select(size => size > 0
                ? new TensorShapeProto.Types.Dimension { DimValue = size }
                : new TensorShapeProto.Types.Dimension { DimParam = "any" }));
        }
        return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = tensor } };
    }

    private static AttributeProto Attribute(string name, object value)
    {
        var attribute = new AttributeProto { Name = name };
        switch (value)
        {
            case float f:
                (attribute.Type, attribute.F) = (1, f);
                break;
            case int i:
                (attribute.Type, attribute.I) = (2, i);
                break;
            case string s:
                (attribute.Type, attribute.S) = (3, ByteString.CopyFromUtf8(s));
                break;
            case TensorProto t:
                (attribute.Type, attribute.T) = (4, t);
                break;
            case float[] floats:
                attribute.Type = 6;
                attribute.Floats.AddRange(floats);
                break;
            case int[] ints:
                attribute.Type = 7;
                attribute.Ints.AddRange(ints.Select(i => (long)i));
                break;
            default:
                throw new ArgumentException($"{value.GetType()} is no attribute.");
        }
        return attribute;
    }
}
