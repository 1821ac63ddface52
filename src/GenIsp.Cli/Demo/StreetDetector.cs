using System.Runtime.InteropServices;
using GenIsp.Data;
using GenIsp.Detection.OnnxGraph.Proto;
using Google.Protobuf;

namespace GenIsp.Cli.Demo;

/// <summary>
/// A small detector for drawn streets as an ONNX graph in YOLOX's convention (Ge et al. 2021: no anchors, one point a cell at strides 8,
/// 16 and 32): residual stages, a feature pyramid (Lin et al. 2017) and one head for its three levels. Half a million weights.
/// </summary>
internal sealed class StreetDetector
{
    /// <summary>What the names of trained weights begin with.</summary>
    public const string Trained = "trained.";

    private const int Opset = 17, Pyramid = 48;

    private readonly GraphProto _graph = new() { Name = "street" };
    private RandomSource _random;

    private StreetDetector(ulong seed) => _random = new RandomSource(seed);

    /// <summary>The graph with weights as they are before training.</summary>
    public static ModelProto Create(ulong seed)
    {
        var network = new StreetDetector(seed);
        network.Build();
        var model = new ModelProto { IrVersion = 8, ProducerName = "genisp", Graph = network._graph };
        model.OpsetImport.Add(new OperatorSetIdProto { Version = Opset });
        model.MetadataProps.Add(new StringStringEntryProto { Key = "names", Value = string.Join(",", StreetScene.Classes) });
        return model;
    }

    private void Build()
    {
        _graph.Input.Add(Value("image", 1, 3, StreetScene.Height, StreetScene.Width));
        // From 0..255 to about −1..1.
        var x = Node("Sub", ["image", Constant("mean", 110)]);
        x = Node("Mul", [x, Constant("scale", 1 / 80f)]);
        x = Activate(Convolve(x, 3, 16, 3, stride: 2));
        x = Activate(Convolve(x, 16, 32, 3, stride: 2));
        var (fine, middle) = (x = Stage(x, 32, 64), x = Stage(x, 64, 96));
        var coarse = Stage(x, 96, 128);

        var top = Convolve(coarse, 128, Pyramid, 1);
        var between = Node("Add", [Convolve(middle, 96, Pyramid, 1), Enlarge(top)]);
        var bottom = Node("Add", [Convolve(fine, 64, Pyramid, 1), Enlarge(between)]);

        var shared = Weights(Pyramid, Pyramid, 3);
        // Few points hold a thing: object and class begin at a chance of 0.1 each, boxes at one cell's size.
        var boxes = Weights(Pyramid, 4, 1, gain: 0.1);
        var chances = Weights(Pyramid, 1 + StreetScene.Classes.Count, 1, gain: 0.1, bias: -2.2f);
        const string flat = "points";
        var shape = new TensorProto { Name = flat, DataType = 7 };
        shape.Dims.Add(3);
        shape.Int64Data.AddRange([1L, 5 + StreetScene.Classes.Count, -1]);
        _graph.Initializer.Add(shape);
        var levels = new[] { bottom, between, top }.Select(level =>
        {
            var features = Activate(Convolve(level, Pyramid, Pyramid, 3));
            features = Activate(Apply(features, shared, 3, 1));
            var output = Node(
                "Concat", [Apply(features, boxes, 1, 1), Node("Sigmoid", [Apply(features, chances, 1, 1)])], ("axis", 1));
            return Node("Reshape", [output, flat]);
        }).ToArray();
        var all = Node("Concat", levels, ("axis", 2));
        var result = Node("Transpose", [all], ("perm", new long[] { 0, 2, 1 }));
        _graph.Output.Add(Value(result));
    }

    // Half the size, then a residual block.
    private string Stage(string x, int from, int to)
    {
        x = Activate(Convolve(x, from, to, 3, stride: 2));
        var inner = Math.Min(to, 64);
        var change = Activate(Convolve(x, to, inner, inner == to ? 3 : 1));
        return Node("Add", [x, Convolve(change, inner, to, 3, gain: 0.3)]);
    }

    private string Convolve(string x, int from, int to, int side, int stride = 1, double gain = 1) =>
        Apply(x, Weights(from, to, side, gain), side, stride);

    private string Apply(string x, (string Kernel, string Bias) weights, int side, int stride)
    {
        long[] pads = [side / 2, side / 2, side / 2, side / 2];
        return Node(
            "Conv", [x, weights.Kernel, weights.Bias], ("kernel_shape", new long[] { side, side }), ("pads", pads),
            ("strides", new long[] { stride, stride }));
    }

    private string Activate(string x) => Node("Mul", [x, Node("Sigmoid", [x])]);

    private string Enlarge(string x)
    {
        var name = $"scales{_graph.Node.Count}";
        Add(name, [1f, 1, 2, 2], 4);
        return Node(
            "Resize", [x, "", name], ("mode", "nearest"), ("coordinate_transformation_mode", "asymmetric"), ("nearest_mode", "floor"));
    }

    // SiLU makes a unit normal's variance 0.36, so 1 / 0.36 keeps it 1 (as He et al. 2015 do for ReLU with 2).
    private (string Kernel, string Bias) Weights(int from, int to, int side, double gain = 1, float bias = 0)
    {
        var name = $"{Trained}{_graph.Initializer.Count}";
        var deviation = gain * Math.Sqrt(2.8 / (from * side * side));
        var kernel = new float[to * from * side * side];
        for (var i = 0; i < kernel.Length; i++)
            kernel[i] = (float)(deviation * _random.NextNormal());
        Add($"{name}.weight", kernel, to, from, side, side);
        Add($"{name}.bias", [.. Enumerable.Repeat(bias, to)], to);
        return ($"{name}.weight", $"{name}.bias");
    }

    private string Constant(string name, float value)
    {
        Add(name, [value]);
        return name;
    }

    private void Add(string name, float[] values, params long[] shape)
    {
        var tensor = new TensorProto { Name = name, DataType = 1, RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes<float>(values)) };
        tensor.Dims.AddRange(shape);
        _graph.Initializer.Add(tensor);
    }

    private string Node(string type, string[] inputs, params (string Name, object Value)[] attributes)
    {
        var node = new NodeProto { OpType = type, Name = $"{type}{_graph.Node.Count}" };
        node.Input.AddRange(inputs);
        node.Output.Add($"v{_graph.Node.Count}");
        foreach (var (name, value) in attributes)
        {
            var attribute = new AttributeProto { Name = name };
            switch (value)
            {
                case int number:
                    (attribute.Type, attribute.I) = (2, number);
                    break;
                case string text:
                    (attribute.Type, attribute.S) = (3, ByteString.CopyFromUtf8(text));
                    break;
                case long[] numbers:
                    attribute.Type = 7;
                    attribute.Ints.AddRange(numbers);
                    break;
            }
            node.Attribute.Add(attribute);
        }
        _graph.Node.Add(node);
        return node.Output[0];
    }

    private static ValueInfoProto Value(string name, params long[] shape)
    {
        var tensor = new TypeProto.Types.Tensor { ElemType = 1, Shape = new TensorShapeProto() };
        tensor.Shape.Dim.AddRange(shape.Select(size => new TensorShapeProto.Types.Dimension { DimValue = size }));
        return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = tensor } };
    }
}
