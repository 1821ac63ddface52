using GenIsp.Isp;
using GenIsp.Isp.Kernels;
using static TorchSharp.torch;

namespace GenIsp.Detection.OnnxGraph;

/// <summary>Steps that compute the same with less: fewer values are written, kept for the way back, and read there.</summary>
internal static class GraphRewriting
{
    // No operators of ONNX's.
    private const string Silu = "Silu", Shuffle = "Shuffle";

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
            if (slice.Operator != "Slice" || slice.Inputs[0] != image || slice.Inputs.Length > 4 && numbers(slice, 4) is not [1]
                || numbers(slice, 1) is not [>= 0 and var first] || numbers(slice, 2) is not [var end] || numbers(slice, 3) is not [1]
                || first >= Math.Min(end, channels))
                return null;
            parts.Add((slice, (int)first, (int)Math.Min(end, channels)));
        }
        return parts.SelectMany(part => Enumerable.Range(part.First, part.End - part.First)).Order().SequenceEqual(Enumerable.Range(0, channels))
            ? parts
            : null;
    }

    private static Kernel Rearrange(IReadOnlyList<int[]> results, long[] shape)
    {
        ChannelMap? map = null;
        return x =>
        {
            var images = x.All();
            Inputs.Limit(images.Sum(image => image.numel()));
            int[] channels = [.. images.Select(image => (int)image.size(1))];
            // A change of shape may change more than channels.
            if (!ChannelRearrangement.Takes(images) || !shape.AsSpan().SequenceEqual(
                [images[0].size(0), channels.Sum(), images[0].size(2), images[0].size(3)]))
            {
                var all = cat(images, 1).reshape(shape);
                return [.. results.Select(result => all.index_select(1, tensor(result, dtype: ScalarType.Int64, device: all.device)))];
            }
            if (map?.Fits(channels) != true)
                map = new ChannelMap(channels, results);
            return [.. ChannelRearrangement.Apply(images, map)];
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

    // Who reads a value.
    private sealed class Readers(IReadOnlyList<Step> steps, IReadOnlyList<string> outputs)
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
}
