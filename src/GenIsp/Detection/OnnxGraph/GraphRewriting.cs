using GenIsp.Isp;
using GenIsp.Isp.Kernels;
using static TorchSharp.torch;

namespace GenIsp.Detection.OnnxGraph;

/// <summary>Steps that compute the same with less: fewer values are written, kept for the way back, and read there.</summary>
internal static class GraphRewriting
{
    // No operator of ONNX's.
    private const string Silu = "Silu";

    /// <summary>x · sigmoid(x), of which exporters make two nodes, becomes one.</summary>
    /// <param name="steps">In order.</param>
    /// <param name="outputs">Names of the values that must still be made.</param>
    public static List<Step> FuseSilu(IReadOnlyList<Step> steps, IReadOnlyList<string> outputs)
    {
        var uses = UsesIn(steps, outputs);
        var sigmoids = steps
            .Where(step => step is { Operator: "Sigmoid", Inputs.Length: 1, Outputs: [{ Length: > 0 } made] }
                && uses.GetValueOrDefault(made) == 1)
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
        var uses = UsesIn(steps, outputs);
        var readers = steps.SelectMany(step => step.Inputs.Select(name => (name, step))).ToLookup(pair => pair.name, pair => pair.step);
        Step? OnlyReader(string name) => uses.GetValueOrDefault(name) == 1 ? readers[name].FirstOrDefault() : null;
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
            if (OnlyReader(made) is { Operator: "BatchNormalization" } norm && norm.Inputs[0] == made && AreConstant(norm.Inputs[1..]))
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
            if (OnlyReader(made) is { } reader && ActivationOf(reader) is { } found
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

    private static Dictionary<string, int> UsesIn(IReadOnlyList<Step> steps, IReadOnlyList<string> outputs) =>
        steps.SelectMany(step => step.Inputs).Concat(outputs).CountBy(name => name).ToDictionary();
}
