using GenIsp.Detection.Frozen;
using GenIsp.Isp;
using GenIsp.Isp.Kernels;
using static TorchSharp.torch;

namespace GenIsp.Detection.OnnxGraph;

/// <summary>Steps that compute the same with less: fewer values are written, kept for the way back, and read there.</summary>
internal static class GraphRewriting
{
    // No operators of ONNX's.
    public const string Shuffle = "Shuffle";
    private const string Silu = "Silu", Focus = "Focus";

    // Of a shuffle; detectors have hundreds.
    private const int MostChannels = 1 << 16;

    /// <summary>x · sigmoid(x), of which exporters make two nodes, becomes one.</summary>
    /// <param name="steps">In order.</param>
    /// <param name="outputs">Names of the values that must still be made.</param>
    public static List<Step> FuseSilu(IReadOnlyList<Step> steps, IReadOnlyList<string> outputs)
    {
        var readers = new Readers(steps, outputs);
        var sigmoids = steps
            .Where(step => step is { Operator: "Sigmoid", Inputs.Length: 1, Outputs: [{ Length: > 0 } made] } && readers.Only(made) is not null)
            .ToDictionary(step => step.Outputs[0]);
        var fused = new Dictionary<Step, Step>();
        foreach (var step in steps.Where(step => step is { Operator: "Mul", Inputs.Length: 2 }))
        {
            var (a, b) = (step.Inputs[0], step.Inputs[1]);
            if (sigmoids.TryGetValue(b, out var sigmoid) && sigmoid.Inputs[0] == a
                || sigmoids.TryGetValue(a, out sigmoid) && sigmoid.Inputs[0] == b)
            {
                fused[sigmoid] = step;
                fused[step] = step with { Operator = Silu, Inputs = sigmoid.Inputs, Kernel = x => [nn.functional.silu(x[0])] };
            }
        }
        return
        [
            .. steps.Where(step => !(step.Operator == "Sigmoid" && fused.ContainsKey(step)))
                .Select(step => fused.GetValueOrDefault(step, step)),
        ];
    }

    /// <summary>
    /// Images side by side whose channels are then dealt out anew, and often taken apart (ShuffleNet's channel shuffle and split, arXiv
    /// 1807.11164), become one step; exporters make six nodes of them.
    /// </summary>
    /// <param name="steps">In order.</param>
    /// <param name="outputs">Names of the values that must still be made.</param>
    /// <param name="constants">By name.</param>
    public static List<Step> FuseShuffles(
        IReadOnlyList<Step> steps, IReadOnlyList<string> outputs, IReadOnlyDictionary<string, Tensor> constants)
    {
        var readers = new Readers(steps, outputs);
        long[]? Numbers(Step step, int input) => step.Inputs.Length > input && constants.TryGetValue(step.Inputs[input], out var constant)
            && constant.dtype == ScalarType.Int64 && constant.numel() > 0 ? constant.Numbers<long>() : null;

        var taken = new HashSet<Step>();
        var result = new List<Step>();
        foreach (var step in steps.Where(step => !taken.Contains(step)))
        {
            if (ShuffleAfter(step, readers, Numbers) is not { } shuffle)
            {
                result.Add(step);
                continue;
            }
            var made = shuffle.Steps[^1].Outputs[0];
            var parts = readers.AreAllOf(made) ? Parts(readers.Of(made), made, shuffle.Order.Length, Numbers) : null;
            taken.UnionWith([.. shuffle.Steps, .. parts?.Select(part => part.Slice) ?? []]);
            result.Add(step with
            {
                Operator = Shuffle,
                Outputs = parts is null ? [made] : [.. parts.Select(part => part.Slice.Outputs[0])],
                Kernel = Rearrange(
                    parts is null ? [shuffle.Order] : [.. parts.Select(part => shuffle.Order[part.First..part.End])], shuffle.Shape),
            });
        }
        return result;
    }

    // Three steps after a concatenation: its channels as a matrix, turned, and as channels again.
    private static (Step[] Steps, int[] Order, long[] Shape)? ShuffleAfter(Step concat, Readers readers, Func<Step, int, long[]?> numbers)
    {
        if (concat.Operator != "Concat" || concat.Node.Int("axis", 1) != 1
            || readers.Only(concat.Outputs[0], "Reshape") is not { } apart
            || numbers(apart, 1) is not [> 0 and var n, > 0 and <= MostChannels and var groups, > 0 and <= MostChannels and var each, var h, var w]
            || readers.Only(apart.Outputs[0], "Transpose") is not { } dealt || dealt.Node.Ints("perm") is not [0, 2, 1, 3, 4]
            || readers.Only(dealt.Outputs[0], "Reshape") is not { } together || numbers(together, 1) is not { } shape
            || groups * each > MostChannels || !shape.AsSpan().SequenceEqual([n, groups * each, h, w]))
            return null;
        int[] order = [.. Enumerable.Range(0, (int)(groups * each)).Select(i => (int)(i % groups * each + i / groups))];
        return ([apart, dealt, together], order, shape);
    }

    // The slices that take an image apart, if they do so: each channel is in one of them.
    private static List<(Step Slice, int First, int End)>? Parts(
        IEnumerable<Step> slices, string image, int channels, Func<Step, int, long[]?> numbers)
    {
        var parts = new List<(Step Slice, int First, int End)>();
        foreach (var slice in slices)
        {
            if (slice is not { Operator: "Slice", Node.Opset: >= 10 } || slice.Inputs[0] != image
                || slice.Inputs.Length > 4 && numbers(slice, 4) is not [1]
                || numbers(slice, 1) is not [>= 0 and var first] || numbers(slice, 2) is not [var end] || numbers(slice, 3) is not [1]
                || first >= Math.Min(end, channels))
                return null;
            parts.Add((slice, (int)first, (int)Math.Min(end, channels)));
        }
        return parts.SelectMany(part => Enumerable.Range(part.First, part.End - part.First)).Order().SequenceEqual(Enumerable.Range(0, channels))
            ? parts
            : null;
    }

    /// <summary>
    /// An image whose every second pixels are sliced out and concatenated (YOLOX's Focus) becomes one step; exporters make nine nodes of it.
    /// </summary>
    /// <param name="steps">In order.</param>
    /// <param name="outputs">Names of the values that must still be made.</param>
    /// <param name="constants">By name.</param>
    public static List<Step> FuseFocus(
        IReadOnlyList<Step> steps, IReadOnlyList<string> outputs, IReadOnlyDictionary<string, Tensor> constants)
    {
        var readers = new Readers(steps, outputs);
        var slices = steps.Where(step => step is { Operator: "Slice", Inputs.Length: 5, Node.Opset: >= 10 }).ToDictionary(step => step.Outputs[0]);
        long? Number(Step slice, int input) =>
            constants.TryGetValue(slice.Inputs[input], out var number) && number.numel() == 1 ? number.Numbers<long>()[0] : null;
        bool TakesEverySecond(Step slice, long axis) => Number(slice, 1) is 0 or 1 && Number(slice, 2) >= Inputs.MaxElements
            && Number(slice, 3) == axis && Number(slice, 4) == 2;

        // The columns of rows, each read by the next alone.
        (Step Rows, Step Columns)? Phase(string made) =>
            slices.TryGetValue(made, out var columns) && slices.TryGetValue(columns.Inputs[0], out var rows)
            && readers.Only(made) is not null && readers.Only(columns.Inputs[0]) is not null
            && TakesEverySecond(rows, 2) && TakesEverySecond(columns, 3) ? (rows, columns) : null;

        var fused = new Dictionary<Step, Step>();
        var taken = new HashSet<Step>();
        foreach (var step in steps.Where(step => step is { Operator: "Concat", Inputs.Length: 4 } && step.Node.Int("axis", 1) == 1))
        {
            (Step Rows, Step Columns)[] parts = [.. step.Inputs.Select(Phase).OfType<(Step, Step)>()];
            (int, int)[] phases = [.. parts.Select(part => ((int)Number(part.Rows, 1)!, (int)Number(part.Columns, 1)!))];
            string[] images = [.. parts.Select(part => part.Rows.Inputs[0]).Distinct()];
            if (images.Length != 1 || phases.Distinct().Count() != 4)
                continue;
            taken.UnionWith(parts.SelectMany(part => new[] { part.Rows, part.Columns }));
            fused[step] = step with
            {
                Operator = Focus,
                Inputs = images,
                Kernel = x => [Slices(x[0], phases)],
                Layer = shapes => new PlanarLayer(shapes[0], phases),
            };
        }
        return [.. steps.Where(step => !taken.Contains(step)).Select(step => fused.GetValueOrDefault(step, step))];
    }

    private static Tensor Slices(Tensor image, (int Row, int Column)[] phases) =>
        cat([.. phases.Select(phase => image.slice(2, phase.Row, long.MaxValue, 2).slice(3, phase.Column, long.MaxValue, 2))], 1);

    private static Kernel Rearrange(IReadOnlyList<int[]> results, long[] shape)
    {
        long[][] orders = [.. results.Select(result => Array.ConvertAll(result, channel => (long)channel))];
        return x =>
        {
            var images = x.All();
            Inputs.Limit(images.Sum(image => image.numel()));
            var all = cat(images, 1).reshape(shape);
            return [.. orders.Select(order => all.index_select(1, tensor(order, dtype: ScalarType.Int64, device: all.device)))];
        };
    }

    /// <summary>
    /// Convolutions with constant weights become <see cref="FrozenConvolution"/>s, which take in the batch norm and the activation that alone
    /// read them.
    /// </summary>
    /// <param name="steps">In order.</param>
    /// <param name="outputs">Names of the values that must still be made.</param>
    /// <param name="constants">By name.</param>
    /// <param name="types">What the convolutions compute in; all else stays in its dtype.</param>
    /// <param name="device">Where they compute.</param>
    /// <param name="frozen">Takes what the caller must dispose of.</param>
    public static List<Step> FreezeConvolutions(
        IReadOnlyList<Step> steps, IReadOnlyList<string> outputs, IReadOnlyDictionary<string, Tensor> constants, DetectorTypes types,
        Device device, List<FrozenConvolution> frozen)
    {
        var readers = new Readers(steps, outputs);
        bool AreConstant(IEnumerable<string> names) => names.All(name => name.Length == 0 || constants.ContainsKey(name));

        var taken = new HashSet<Step>();
        var result = new List<Step>();
        foreach (var step in steps.Where(step => !taken.Contains(step)))
        {
            if (step.Operator != "Conv" || !AreConstant(step.Inputs[1..])
                || new Window(step.Node) is not { SymmetricPads: { } pads } window)
            {
                result.Add(step);
                continue;
            }
            using var scope = NewDisposeScope();
            var (weight, bias) = (constants[step.Inputs[1]], step.Inputs.Length > 2 ? constants.GetValueOrDefault(step.Inputs[2]) : null);
            var made = step.Outputs[0];
            if (readers.Only(made, "BatchNormalization") is { } norm && AreConstant(norm.Inputs[1..]))
            {
                var scale = constants[norm.Inputs[1]] * constants[norm.Inputs[4]].Plus(norm.Node.Float("epsilon", 1e-5f)).rsqrt();
                var shift = constants[norm.Inputs[2]] - constants[norm.Inputs[3]] * scale;
                (weight, bias) = (weight * scale.view(-1, 1, 1, 1), bias is null ? shift : (bias * scale).Plus(shift));
                made = norm.Outputs[0];
                taken.Add(norm);
            }
            var geometry = new ConvolutionGeometry(window.Strides, pads, window.Dilations, step.Node.Int("group", 1));
            // Memory bounds those of groups: bfloat16 gains nothing there.
            var own = geometry.Groups == 1 ? types : DetectorTypes.Of(DetectorPrecision.Float32);
            var activation = default(Activation);
            // Rounded before or after, ReLU is the same; the others are not.
            if (readers.Only(made) is { } reader && ActivationOf(reader) is { } found
                && (found == Activation.Relu || own.Forward == ScalarType.Float32))
            {
                (activation, made) = (found, reader.Outputs[0]);
                taken.Add(reader);
            }
            var convolution = new FrozenConvolution(weight.to(device), bias?.to(device), geometry, own);
            frozen.Add(convolution);
            result.Add(step with
            {
                Inputs = [step.Inputs[0]],
                Outputs = [made],
                Kernel = Run(convolution, own.Forward, activation),
                Layer = shapes => convolution.Kernel is { } kernel ? new ConvolutionLayer(kernel, activation, shapes[0]) : null,
            });
        }
        return result;
    }

    private static Activation? ActivationOf(Step step) => step switch
    {
        { Operator: "Relu" } => Activation.Relu,
        { Operator: "LeakyRelu" } => Activation.LeakyRelu(step.Node.Float("alpha", 0.01f)),
        { Operator: Silu } => Activation.Silu,
        _ => null,
    };

    private static Kernel Run(FrozenConvolution convolution, ScalarType type, Activation activation) => x =>
    {
        var image = Pixels.ChannelsLast(x[0].to_type(type));
        return [convolution.Forward(image, activation: activation).to_type(x[0].dtype)];
    };
}
