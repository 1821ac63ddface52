using static TorchSharp.torch;

namespace GenIsp.Detection.OnnxGraph;

/// <summary>Computes a node's outputs. It may throw anything: the graph says which node it was.</summary>
internal delegate Tensor[] Kernel(Inputs inputs);

/// <summary>Reads a node's attributes, once, and gives what computes its only output.</summary>
/// <exception cref="UnsupportedException">The node asks for something that is not supported.</exception>
internal delegate Func<Inputs, Tensor> Operator(Node node);

/// <summary>The operators that the importer knows, by ONNX's name. Each follows the text of ONNX's operator specification.</summary>
internal static class OperatorTable
{
    private const string Split = "Split";

    private static readonly Dictionary<string, Operator> Operators = new[]
    {
        ElementwiseOperators.All, SpatialOperators.All, ShapeOperators.All, ReductionOperators.All,
    }.SelectMany(family => family).ToDictionary(StringComparer.Ordinal);

    /// <summary>The kernel of a node.</summary>
    /// <exception cref="UnsupportedException">The operator, or what the node asks of it, is not supported.</exception>
    public static Kernel Prepare(Node node)
    {
        if (node.Proto.Domain is not ("" or "ai.onnx"))
            throw new UnsupportedException("");
        if (HasManyOutputs(node))
            return ShapeOperators.Split(node);
        if (!Operators.TryGetValue(node.Proto.OpType, out var prepare))
            throw new UnsupportedException("");
        var compute = prepare(node);
        return inputs => [compute(inputs)];
    }

    /// <summary>Whether a node's outputs after the first have a meaning here.</summary>
    public static bool HasManyOutputs(Node node) => node.Proto.OpType == Split;
}
