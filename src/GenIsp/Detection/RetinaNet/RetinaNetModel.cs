using GenIsp.Geometry;
using GenIsp.Isp;
using static TorchSharp.torch;

namespace GenIsp.Detection.RetinaNet;

/// <summary>The network: ResNet-50, feature pyramid, two heads.</summary>
internal sealed class RetinaNetModel : IDisposable
{
    private readonly RetinaNetWeights _weights;
    private readonly ResNet50 _body;
    private readonly FeaturePyramid _pyramid;
    private readonly RetinaNetHead _classificationHead;
    private readonly RetinaNetHead _regressionHead;
    private FrameAnchors? _anchors;

    /// <param name="weights">Where they are; the model's own from now on.</param>
    /// <param name="version">1 or 2.</param>
    /// <param name="classes">Outputs an anchor, the unused class 0 among them.</param>
    public RetinaNetModel(RetinaNetWeights weights, int version, int classes)
    {
        _weights = weights;
        _body = new ResNet50(weights);
        _pyramid = new FeaturePyramid(weights, p6FromC5: version == 2);
        _classificationHead = new RetinaNetHead(weights, "classification_head", "cls_logits", classes, groupNorm: version == 2);
        _regressionHead = new RetinaNetHead(weights, "regression_head", "bbox_reg", valuesPerAnchor: 4, groupNorm: version == 2);
    }

    /// <summary>All that is frozen.</summary>
    public IReadOnlyList<Tensor> Weights => _weights.Tensors;

    /// <param name="images">[N, 3, H, W], float32, normalised; H and W should be multiples of 32.</param>
    /// <returns>In the caller's dispose scope.</returns>
    public RetinaNetOutput Forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        var levels = _pyramid.Forward(_body.Forward(Pixels.ChannelsLast(images.to_type(_weights.Types.Forward))));
        var grids = levels.Select(level => ((int)level.shape[2], (int)level.shape[3])).ToList();
        return new RetinaNetOutput(
            _classificationHead.Forward(levels).to_type(ScalarType.Float32).MoveToOuterDisposeScope(),
            _regressionHead.Forward(levels).to_type(ScalarType.Float32).MoveToOuterDisposeScope(),
            AnchorsOf((int)images.shape[2], (int)images.shape[3], grids),
            [.. grids.Select(grid => grid.Item1 * grid.Item2 * Anchors.PerCell)]);
    }

    // The same for most pictures of a run.
    private Box[] AnchorsOf(int height, int width, IReadOnlyList<(int Height, int Width)> grids)
    {
        var anchors = _anchors;
        if (anchors?.Height != height || anchors.Width != width)
            _anchors = anchors = new FrameAnchors(height, width, Anchors.Create(height, width, grids));
        return anchors.Boxes;
    }

    public void Dispose() => _weights.Dispose();

    private sealed record FrameAnchors(int Height, int Width, Box[] Boxes);
}
