using System.Text.RegularExpressions;
using GenIsp.Isp.Kernels;
using GenIsp.Weights;
using static TorchSharp.torch;

namespace GenIsp.Detection.RetinaNet;

/// <summary>
/// The weights of a frozen RetinaNet, taken out of a state dict of torchvision's name by name. What is asked for and missing, or of another
/// shape, is remembered until all have been asked for.
/// </summary>
internal sealed partial class RetinaNetWeights : IDisposable
{
    private const string ClassWeight = "head.classification_head.cls_logits.weight";

    private readonly double _epsilon;
    private StateDict _state;
    private readonly Dictionary<string, long[]> _shapes = new(StringComparer.Ordinal);
    private readonly List<FrozenConvolution> _convolutions = [];
    private readonly List<Tensor> _norms = [];

    private readonly Device _device;

    private RetinaNetWeights(StateDict state, double epsilon, DetectorTypes types, Device device) =>
        (_state, _epsilon, Types, _device) = (state, epsilon, types, device);

    /// <summary>What the convolutions compute in.</summary>
    public DetectorTypes Types { get; }

    /// <summary>All of them, batch norms folded into convolutions.</summary>
    public IReadOnlyList<Tensor> Tensors => [.. _convolutions.SelectMany(convolution => convolution.Weights), .. _norms];

    /// <summary>The network, with the weights in it, frozen.</summary>
    /// <param name="weights">Names as torchvision 0.12 or later writes them, or as earlier ones did.</param>
    /// <param name="source">The file's name, for the error.</param>
    /// <param name="epsilon">Of the backbone's batch norms; null takes it from the weights.</param>
    /// <param name="types">What the convolutions compute in.</param>
    /// <param name="device">Where it computes.</param>
    /// <returns>The network and its number of classes, the unused class 0 among them.</returns>
    /// <exception cref="GenIspException">These are not the weights of a RetinaNet with ResNet-50.</exception>
    public static (RetinaNetModel Model, int Classes) Load(
        StateDict weights, string source, double? epsilon, DetectorTypes types, Device device)
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        var current = WithCurrentNames(weights);
        var classes = CountClasses(current, source);
        // Only version 2 has group norms in its heads.
        var version = current.ContainsKey("head.classification_head.conv.0.1.weight") ? 2 : 1;
        // A frozen batch norm counts no batches. torchvision runs the COCO weights of version 1 without an epsilon.
        var frozen = version == 1 && !weights.ContainsKey("backbone.body.bn1.num_batches_tracked");
        var taken = new RetinaNetWeights(current, epsilon ?? (frozen ? 0 : 1e-5), types, device);
        try
        {
            var model = new RetinaNetModel(taken, version, classes);
            current.Check(taken._shapes, version == 1 ? "retinanet_resnet50_fpn" : "retinanet_resnet50_fpn_v2", source);
            taken._state = new StateDict(); // its 150 MB are in the convolutions now
            return (model, classes);
        }
        catch
        {
            taken.Dispose();
            throw;
        }
    }

    /// <summary>A convolution whose output is as large as its input, divided by the stride.</summary>
    public FrozenConvolution Convolution(string name, int inputs, int outputs, int kernel, int stride = 1, bool bias = true)
    {
        using var scope = NewDisposeScope();
        return Add(Take($"{name}.weight", outputs, inputs, kernel, kernel), bias ? Take($"{name}.bias", outputs) : null, kernel, stride);
    }

    /// <summary>
    /// The same without a bias, and the frozen batch norm behind it: y = x · s + (bias − mean · s), s = weight / √(variance + ε).
    /// </summary>
    public FrozenConvolution ConvolutionWithNorm(string name, string norm, int inputs, int outputs, int kernel, int stride = 1)
    {
        using var scope = NewDisposeScope();
        var weight = Take($"{name}.weight", outputs, inputs, kernel, kernel);
        Tensor OfNorm(string part) => Take($"{norm}.{part}", outputs).to_type(ScalarType.Float64);
        var scale = OfNorm("weight") * OfNorm("running_var").Plus(_epsilon).rsqrt();
        var shift = OfNorm("bias") - OfNorm("running_mean") * scale;
        return Add(weight * scale.view(-1, 1, 1, 1), shift, kernel, stride);
    }

    /// <summary>A GroupNorm and the ReLU behind it.</summary>
    public FrozenGroupNorm GroupNorm(string name, int channels)
    {
        var (weight, bias) = (Take($"{name}.weight", channels), Take($"{name}.bias", channels));
        _norms.AddRange([weight.DetachFromDisposeScope(), bias.DetachFromDisposeScope()]);
        return new FrozenGroupNorm(weight, bias);
    }

    public void Dispose()
    {
        foreach (var convolution in _convolutions)
            convolution.Dispose();
        foreach (var tensor in _norms)
            tensor.Dispose();
    }

    private FrozenConvolution Add(Tensor weight, Tensor? bias, int kernel, int stride)
    {
        var convolution = new FrozenConvolution(weight, bias, ConvolutionGeometry.Same(kernel, stride), Types);
        _convolutions.Add(convolution);
        return convolution;
    }

    // Zeros stand in for what does not fit: the check comes when all names are known.
    private Tensor Take(string name, params long[] shape)
    {
        _shapes.Add(name, shape);
        return _state.TryGetValue(name, out var data) && data.Shape.SequenceEqual(shape)
            ? data.ToTorch().to(_device)
            : zeros(shape, dtype: ScalarType.Float32, device: _device);
    }

    /// <summary>
    /// The same tensors under the names of torchvision 0.12 and later: before it, <c>fpn.inner_blocks.0.0.weight</c> was
    /// <c>fpn.inner_blocks.0.weight</c>, and <c>conv.1.0.weight</c> of a head was <c>conv.2.weight</c>, as each ReLU counted too. Counts
    /// of batches are left out.
    /// </summary>
    private static StateDict WithCurrentNames(StateDict weights)
    {
        var renamed = new StateDict();
        foreach (var (name, data) in weights.Where(pair => !pair.Key.EndsWith(".num_batches_tracked", StringComparison.Ordinal)))
        {
            var current = PyramidName().Replace(name, "$1.0.$2");
            current = HeadName().Replace(
                current, match => $"{match.Groups[1]}.{(match.Groups[2].ValueSpan[0] - '0') / 2}.0.{match.Groups[3]}");
            // Under both names the file is not torchvision's: the old one then counts as unexpected.
            renamed[weights.ContainsKey(current) ? name : current] = data;
        }
        return renamed;
    }

    private static int CountClasses(StateDict weights, string source)
    {
        if (!weights.TryGetValue(ClassWeight, out var weight))
        {
            throw new GenIspException(
                $"{source} does not hold a RetinaNet of torchvision's: {ClassWeight} is missing. " +
                "Give the weights of retinanet_resnet50_fpn or retinanet_resnet50_fpn_v2.");
        }
        var shape = weight.Shape;
        // All of the shape, so that the count is no greater than the file's size allows.
        if (shape is not [_, FeaturePyramid.Channels, 3, 3] || shape[0] < Anchors.PerCell || shape[0] % Anchors.PerCell != 0)
        {
            throw new GenIspException(
                $"{source} does not hold a RetinaNet with ResNet-50: {ClassWeight} is [{string.Join(", ", shape)}], " +
                $"not [{Anchors.PerCell} · classes, {FeaturePyramid.Channels}, 3, 3].");
        }
        return (int)(shape[0] / Anchors.PerCell);
    }

    [GeneratedRegex(@"^(backbone\.fpn\.(?:inner|layer)_blocks\.[0-2])\.(weight|bias)$")]
    private static partial Regex PyramidName();

    [GeneratedRegex(@"^(head\.(?:classification|regression)_head\.conv)\.([0246])\.(weight|bias)$")]
    private static partial Regex HeadName();
}
