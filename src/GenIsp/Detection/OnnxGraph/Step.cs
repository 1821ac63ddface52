using GenIsp.Detection.Frozen;

namespace GenIsp.Detection.OnnxGraph;

/// <summary>One node that is computed on every run.</summary>
/// <param name="Node">As the file has it.</param>
/// <param name="Inputs">Names of values; empty where an optional one is left out.</param>
/// <param name="Outputs">Likewise.</param>
/// <param name="Kernel">Computes them.</param>
internal sealed record Step(Node Node, string[] Inputs, string[] Outputs, Kernel Kernel)
{
    /// <summary>The node's, or what became of it and others.</summary>
    public string Operator { get; init; } = Node.Proto.OpType;

    /// <summary>Makes what does the same in a <see cref="FrozenNetwork"/>, of images that large; it may find that there is nothing.</summary>
    public Func<IReadOnlyList<ImageShape>, ILayer?>? Layer { get; init; }

    /// <summary>The values that no later step needs.</summary>
    public string[] Dead { get; set; } = [];
}
