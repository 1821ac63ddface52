namespace GenIsp.Detection.OnnxGraph;

/// <summary>Who reads a graph's values.</summary>
/// <param name="steps">In order.</param>
/// <param name="outputs">Names of the values that the graph's caller reads.</param>
internal sealed class Readers(IReadOnlyList<Step> steps, IReadOnlyList<string> outputs)
{
    private readonly ILookup<string, Step> _of =
        steps.SelectMany(step => step.Inputs.Select(name => (name, step))).ToLookup(pair => pair.name, pair => pair.step);

    private readonly HashSet<string> _outputs = [.. outputs];

    /// <summary>The steps; one that reads it twice is there twice.</summary>
    public IEnumerable<Step> Of(string value) => _of[value];

    /// <summary>Whether nobody else does.</summary>
    public bool AreAllOf(string value) => !_outputs.Contains(value);

    /// <summary>The only one, and once, or null.</summary>
    public Step? Only(string value) => AreAllOf(value) && _of[value].Take(2).ToList() is [var only] ? only : null;

    /// <summary>The same if it is such an operator, and what it works on is the value.</summary>
    public Step? Only(string value, string kind) => Only(value) is { } only && only.Operator == kind && only.Inputs[0] == value ? only : null;
}
