using static TorchSharp.torch;

namespace GenIsp.Detection.RetinaNet;

/// <summary>The network: ResNet-50, feature pyramid, two heads; every name in its state dict is torchvision's.</summary>
internal sealed class RetinaNetModel : NamedModule<Tensor, RetinaNetOutput>
{
    private readonly ResNet50 _body;
    private readonly FeaturePyramid _pyramid;
    private readonly RetinaNetHead _classificationHead;
    private readonly RetinaNetHead _regressionHead;

    /// <param name="version">1 or 2.</param>
    /// <param name="classes">Outputs an anchor, the unused class 0 among them.</param>
    /// <param name="epsilon">Of the backbone's batch norms.</param>
    public RetinaNetModel(int version, int classes, double epsilon)
        : base(version == 1 ? "retinanet_resnet50_fpn" : "retinanet_resnet50_fpn_v2")
    {
        _body = new ResNet50(epsilon);
        _pyramid = new FeaturePyramid(p6FromC5: version == 2);
        _classificationHead = new RetinaNetHead("cls_logits", classes, groupNorm: version == 2);
        _regressionHead = new RetinaNetHead("bbox_reg", valuesPerAnchor: 4, groupNorm: version == 2);
        Register("backbone", nn.ModuleDict<nn.Module>(("body", _body), ("fpn", _pyramid)));
        Register("head", nn.ModuleDict<nn.Module>(
            ("classification_head", _classificationHead), ("regression_head", _regressionHead)));
    }

    /// <param name="images">[N, 3, H, W], float32, normalised; H and W should be multiples of 32.</param>
    public override RetinaNetOutput forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        var levels = _pyramid.forward(_body.forward(images));
        var grids = levels.Select(level => ((int)level.shape[2], (int)level.shape[3])).ToList();
        return new RetinaNetOutput(
            _classificationHead.forward(levels).MoveToOuterDisposeScope(),
            _regressionHead.forward(levels).MoveToOuterDisposeScope(),
            Anchors.Create((int)images.shape[2], (int)images.shape[3], grids).MoveToOuterDisposeScope(),
            [.. grids.Select(grid => grid.Item1 * grid.Item2 * Anchors.PerCell)]);
    }
}
