using GenIsp.Detection.Frozen;
using GenIsp.Detection.OnnxGraph.Proto;
using TorchSharp;
using static TorchSharp.torch;

namespace GenIsp.Detection.OnnxGraph;

/// <summary>
/// An ONNX graph with one input of a fixed shape, as a list of TorchSharp calls. Its weights are constants: a gradient flows from the
/// outputs to the input and nowhere else. What does not depend on the input's values is computed once, at load.
/// </summary>
internal sealed class Graph : IDisposable
{
    private const int OldestOpset = 7, NewestOpset = 23;

    // Shapes, axes, pads and scales have at most two a dimension, of which there are few.
    private const int MostNumbers = 16;

    private readonly string _source;
    private readonly Dictionary<string, Tensor> _constants = new(StringComparer.Ordinal);
    private readonly string _inputName;
    private readonly long[] _inputShape;
    private readonly ScalarType _type;
    private readonly List<FrozenConvolution> _frozen = [];
    private FrozenNetwork? _network;
    private List<Step> _steps;
    private Device _device = CPU;

    private Graph(ModelProto model, string source, string inputName, long[] inputShape, ScalarType type)
    {
        (_source, _inputName, _inputShape, _type) = (source, inputName, inputShape, type);
        OutputNames = [.. model.Graph.Output.Select(output => output.Name)];
        try
        {
            using var scope = NewDisposeScope();
            using var frozen = no_grad();
            foreach (var weight in model.Graph.Initializer)
            {
                var values = Node.ToTorch(OnnxFile.ToTensorData(weight, $"{source}: the weight '{weight.Name}'"), type);
                if (!_constants.TryAdd(weight.Name, values.DetachFromDisposeScope()))
                    throw new GenIspException($"{source} holds two weights named '{weight.Name}'. The file is damaged.");
            }
            _steps = Prepare(model);
            CheckOrder();
            Fold();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The names of what <see cref="Run"/> returns.</summary>
    public IReadOnlyList<string> OutputNames { get; }

    /// <summary>Weights, and what was computed of them alone, by their names in the file.</summary>
    public IReadOnlyDictionary<string, Tensor> Constants => _constants;

    /// <summary>All weights: constants, and those of convolutions that are frozen.</summary>
    public IEnumerable<Tensor> Weights => _constants.Values.Concat(_frozen.SelectMany(convolution => convolution.Weights));

    /// <summary>How many nodes every run computes.</summary>
    public int StepCount => _steps.Count;

    /// <summary>Turns a file's graph into kernels, and runs it once on zeros to find its constants and its errors.</summary>
    /// <param name="model">As <see cref="OnnxFile.Read"/> gave it.</param>
    /// <param name="source">The file's name, for errors.</param>
    /// <param name="inputShape">The shape of every input to come.</param>
    /// <param name="type">Float32, or Float64 to check gradients.</param>
    /// <exception cref="GenIspException">The graph is damaged, or needs an operator that is not supported.</exception>
    public static Graph Load(ModelProto model, string source, long[] inputShape, ScalarType type = ScalarType.Float32)
    {
        if (model.Graph.Output.Count == 0 || model.Graph.Output.Any(output => output.Name.Length == 0))
            throw new GenIspException($"{source} names no output. The file is damaged.");
        return new Graph(model, source, SoleInput(model, source).Name, Inputs.Limit(inputShape), type);
    }

    /// <summary>The one input that is not a weight (old files list the weights as inputs too).</summary>
    public static ValueInfoProto SoleInput(ModelProto model, string source)
    {
        var weights = model.Graph.Initializer.Select(tensor => tensor.Name).ToHashSet(StringComparer.Ordinal);
        ValueInfoProto[] inputs = [.. model.Graph.Input.Where(input => !weights.Contains(input.Name))];
        var names = string.Join(", ", inputs.Select(input => input.Name));
        return inputs is [{ Name.Length: > 0 } only]
            ? only
            : throw new GenIspException($"{source} has {inputs.Length} inputs ({names}); a detector has one, the image.");
    }

    /// <summary>
    /// Rewrites the convolutions for good as <see cref="FrozenConvolution"/>s, batch norms and activations in them, and on the processor as
    /// much as can be as a <see cref="FrozenNetwork"/>. Their weights are no constants any more, and nobody can train them.
    /// </summary>
    /// <param name="types">What they compute in.</param>
    /// <param name="device">Where all is computed from now on.</param>
    public void Freeze(DetectorTypes types, Device device)
    {
        using var quiet = no_grad();
        var steps = GraphRewriting.FreezeConvolutions(_steps, OutputNames, _constants, types, device, _frozen);
        if (device.type == DeviceType.CPU && _type == ScalarType.Float32)
            (steps, _network) = NetworkFusion.Fuse(steps, OutputNames, _constants, _inputName, _inputShape);
        Adopt(steps);
        _device = device;
        // What kernels read as numbers stays where numbers are read. One that wants it as a tensor gets a copy.
        foreach (var (name, constant) in _constants.Where(pair => pair.Value.numel() > MostNumbers).ToList())
            _constants[name] = constant.to(device, disposeAfter: true).DetachFromDisposeScope();
    }

    /// <summary>Computes the outputs. They carry a gradient to the input if that requires one.</summary>
    /// <param name="input">Of the shape and dtype given to <see cref="Load"/>, on the graph's device.</param>
    /// <returns>One tensor for each of <see cref="OutputNames"/>, in the caller's dispose scope.</returns>
    public Tensor[] Run(Tensor input)
    {
        if (!input.shape.AsSpan().SequenceEqual(_inputShape) || input.dtype != _type)
            throw new ArgumentException($"The input is {input.dtype} [{string.Join(", ", input.shape)}].", nameof(input));
        using var scope = NewDisposeScope();
        var values = new Dictionary<string, Tensor>(StringComparer.Ordinal) { [_inputName] = input.alias() };
        foreach (var step in _steps)
        {
            Compute(step, values);
            foreach (var name in step.Dead)
            {
                values[name].Dispose();
                values.Remove(name);
            }
        }
        return [.. OutputNames.Select(name => Find(name, values)!.alias().MoveToOuterDisposeScope())];
    }

    public void Dispose()
    {
        foreach (var constant in _constants.Values)
            constant.Dispose();
        foreach (var convolution in _frozen)
            convolution.Dispose();
        _network?.Dispose();
    }

    private List<Step> Prepare(ModelProto model)
    {
        var opset = model.OpsetImport.FirstOrDefault(import => import.Domain is "" or "ai.onnx")?.Version ?? 0;
        if (opset is < OldestOpset or > NewestOpset)
        {
            throw new GenIspException($"{_source} uses version {opset} of ONNX's operators; {OldestOpset} to {NewestOpset} are "
                + "supported. Export it again, with opset 17 for example.");
        }
        var steps = new List<Step>(model.Graph.Node.Count);
        // What is missing, and the nodes that need it.
        var unsupported = new List<(string Need, string Node)>();
        foreach (var proto in model.Graph.Node)
        {
            var node = new Node(proto, opset, _type, _source);
            try
            {
                var kernel = OperatorTable.Prepare(node);
                if (node.UnreadAttributes.ToList() is { Count: > 0 } unread)
                    throw new UnsupportedException($"attribute {string.Join(", ", unread)}");
                var outputs = OperatorTable.HasManyOutputs(node) ? proto.Output : proto.Output.Take(1);
                steps.Add(new Step(node, [.. proto.Input], [.. outputs], kernel));
            }
            catch (UnsupportedException error)
            {
                var reason = error.Message.Length > 0 ? $": {error.Message}" : "";
                unsupported.Add(($"{proto.Domain}.{proto.OpType}{reason}", node.Description + reason));
            }
        }
        if (unsupported.Count == 0)
            return steps;
        const int Shown = 20;
        var needs = unsupported.GroupBy(one => one.Need).ToList();
        var named = needs.Take(Shown)
            .Select(nodes => nodes.First().Node + (nodes.Count() > 1 ? $", and {nodes.Count() - 1} more nodes of this kind" : ""));
        var rest = needs.Count > Shown ? $"; and {needs.Count - Shown} more kinds" : "";
        throw new GenIspException($"{_source} needs what is not supported: {string.Join("; ", named)}{rest}.");
    }

    // Every value is made once, and before it is used. So there is no cycle either.
    private void CheckOrder()
    {
        var made = new HashSet<string>(_constants.Keys, StringComparer.Ordinal) { _inputName };
        foreach (var step in _steps)
        {
            if (step.Inputs.FirstOrDefault(name => name.Length > 0 && !made.Contains(name)) is { } missing)
                throw Damaged($"{step.Node.Description} uses '{missing}', which nothing before it makes");
            if (step.Outputs.All(name => name.Length == 0))
                throw Damaged($"{step.Node.Description} makes nothing");
            if (step.Outputs.FirstOrDefault(name => name.Length > 0 && !made.Add(name)) is { } twice)
                throw Damaged($"{step.Node.Description} makes '{twice}', which exists already");
        }
        if (OutputNames.FirstOrDefault(name => !made.Contains(name)) is { } absent)
            throw Damaged($"nothing makes the output '{absent}'");
    }

    private GenIspException Damaged(string what) => new($"{_source}: {what}. The file is damaged.");

    // Runs once on zeros. A step whose inputs are all constants, or that reads only the shape of its input, needs no second run.
    private void Fold()
    {
        var values = new Dictionary<string, Tensor>(StringComparer.Ordinal) { [_inputName] = zeros(_inputShape, _type) };
        var last = LastUses();
        var steps = new List<Step>(_steps.Count);
        foreach (var (index, step) in _steps.Index())
        {
            Compute(step, values);
            if (step.Operator == "Shape" || step.Inputs.All(name => name.Length == 0 || _constants.ContainsKey(name)))
            {
                foreach (var name in step.Outputs.Where(name => name.Length > 0))
                {
                    values.Remove(name, out var constant);
                    _constants.Add(name, constant!.DetachFromDisposeScope());
                }
            }
            else
            {
                steps.Add(step);
            }
            foreach (var name in last[index].Where(values.ContainsKey))
            {
                values[name].Dispose();
                values.Remove(name);
            }
        }
        steps = GraphRewriting.FuseFocus(GraphRewriting.FuseSilu(steps, OutputNames), OutputNames, _constants);
        Adopt(GraphRewriting.FuseShuffles(steps, OutputNames, _constants));
    }

    private void Adopt(List<Step> steps)
    {
        _steps = steps;
        foreach (var (index, dead) in LastUses().Index())
            _steps[index].Dead = dead;
        DropUnusedConstants();
    }

    private void DropUnusedConstants()
    {
        var used = _steps.SelectMany(step => step.Inputs).Concat(OutputNames).ToHashSet(StringComparer.Ordinal);
        foreach (var name in _constants.Keys.Where(name => !used.Contains(name)).ToList())
        {
            _constants[name].Dispose();
            _constants.Remove(name);
        }
    }

    // For each step the values, neither constants nor outputs, that no later step reads.
    private string[][] LastUses()
    {
        var dead = new string[_steps.Count][];
        var needed = OutputNames.Concat(_constants.Keys).ToHashSet(StringComparer.Ordinal);
        for (var i = _steps.Count - 1; i >= 0; i--)
            dead[i] = [.. _steps[i].Inputs.Concat(_steps[i].Outputs).Where(name => name.Length > 0 && needed.Add(name))];
        return dead;
    }

    private void Compute(Step step, Dictionary<string, Tensor> values)
    {
        using var scope = NewDisposeScope();
        Tensor?[] inputs = [.. step.Inputs.Select(name => Find(name, values))];
        Tensor[] outputs;
        try
        {
            outputs = step.Kernel(new Inputs(inputs, _device));
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            // libtorch's messages go on with a stack trace of its own.
            throw new GenIspException($"{_source}: {step.Node.Description} can't be computed: {error.Message.Split('\n')[0]}", error);
        }
        if (outputs.Length < step.Outputs.Length)
            throw new GenIspException($"{_source}: {step.Node.Description} makes {outputs.Length} outputs, not {step.Outputs.Length}.");
        for (var i = 0; i < step.Outputs.Length; i++)
        {
            var (name, output) = (step.Outputs[i], outputs[i]);
            if (name.Length == 0)
                continue;
            // Not by its sizes, a list of which takes longer than small steps.
            Inputs.Limit(output.numel());
            // A kernel may hand an input through; its owner disposes of that.
            values.Add(name, (inputs.Any(input => ReferenceEquals(input, output)) ? output.alias() : output).MoveToOuterDisposeScope());
        }
    }

    private Tensor? Find(string name, Dictionary<string, Tensor> values) =>
        name.Length == 0 ? null : values.TryGetValue(name, out var value) ? value : _constants[name];
}
