using System.Text.RegularExpressions;
using GenIsp.Weights;
using TorchSharp;

namespace GenIsp.Detection.RetinaNet;

/// <summary>From a state dict of torchvision's to the network that it belongs to.</summary>
internal static partial class RetinaNetWeights
{
    private const string ClassWeight = "head.classification_head.cls_logits.weight";

    /// <summary>The network, with the weights in it, frozen.</summary>
    /// <param name="weights">Names as torchvision 0.12 or later writes them, or as earlier ones did.</param>
    /// <param name="source">The file's name, for the error.</param>
    /// <param name="epsilon">Of the backbone's batch norms; null takes it from the weights.</param>
    /// <returns>The network and its number of classes, the unused class 0 among them.</returns>
    /// <exception cref="GenIspException">These are not the weights of a RetinaNet with ResNet-50.</exception>
    public static (RetinaNetModel Model, int Classes) Load(StateDict weights, string source, double? epsilon)
    {
        // The construction of a convolution leaves a temporary tensor behind; parameters leave the scope by themselves.
        using var scope = torch.NewDisposeScope();
        var current = WithCurrentNames(weights);
        var classes = CountClasses(current, source);
        // Only version 2 has group norms in its heads.
        var version = current.ContainsKey("head.classification_head.conv.0.1.weight") ? 2 : 1;
        // A frozen batch norm counts no batches. torchvision runs the COCO weights of version 1 without an epsilon.
        var frozen = version == 1 && !weights.ContainsKey("backbone.body.bn1.num_batches_tracked");
        var model = new RetinaNetModel(version, classes, epsilon ?? (frozen ? 0 : 1e-5));
        try
        {
            current.CopyTo(model, source);
        }
        catch
        {
            model.Dispose();
            throw;
        }
        foreach (var parameter in model.parameters())
            parameter.requires_grad = false;
        return (model, classes);
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
