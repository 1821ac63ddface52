using GenIsp.Color;
using GenIsp.Weights;
using static TorchSharp.torch;

namespace GenIsp.Detection.RetinaNet;

/// <summary>
/// RetinaNet with ResNet-50 and a feature pyramid (arXiv 1708.02002), as torchvision's <c>retinanet_resnet50_fpn</c> and
/// <c>retinanet_resnet50_fpn_v2</c> compute it, on their weights.
/// </summary>
public sealed class RetinaNet : Detector
{
    private const int CocoClasses = 91;

    private readonly RetinaNetModel _model;
    private readonly RetinaNetOptions _options;
    private readonly Device _device;
    private readonly Category[] _categoryOfLabel;

    private RetinaNet(RetinaNetModel model, int classes, RetinaNetOptions options, Device device)
    {
        (_model, _options, _device) = (model, options, device);
        _categoryOfLabel = [.. Enumerable.Range(0, classes).Select(label => CategoryOf(label, isCoco: classes == CocoClasses))];
        // Label 0 was the background; COCO's labels have gaps. None of them is trained.
        Categories = classes == CocoClasses ? CocoCategories.All : _categoryOfLabel[1..];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Category> Categories { get; }

    /// <inheritdoc/>
    public override SizeLimit PreferredSize => new(_options.MaxSize, _options.MinSize);

    /// <inheritdoc/>
    public override DetectorPrecision Precision => _options.Precision;

    /// <summary>All that is frozen; the detector's own.</summary>
    internal IEnumerable<Tensor> Weights => _model.Weights;

    /// <summary>
    /// The detector that the weights belong to. Version 1 or 2, and the number of classes, are recognised from names and shapes; 91
    /// classes are COCO's, any other number is labels 1, 2, … named <c>class 1</c>, <c>class 2</c>, ….
    /// </summary>
    /// <param name="weights">Torchvision's names, current or from before its version 0.12.</param>
    /// <param name="source">The file's name, for the error.</param>
    /// <param name="options">Null takes torchvision's defaults.</param>
    /// <param name="device">Where it computes: on the processor if null.</param>
    /// <exception cref="GenIspException">These are not the weights of a RetinaNet with ResNet-50.</exception>
    public static RetinaNet FromStateDict(StateDict weights, string source, RetinaNetOptions? options = null, Device? device = null)
    {
        options ??= new RetinaNetOptions();
        options = options with { Precision = DetectorTypes.Resolve(options.Precision, device) };
        device ??= CPU;
        var types = DetectorTypes.Of(options.Precision);
        var (model, classes) = RetinaNetWeights.Load(weights, source, options.BatchNormEpsilon, types, device);
        return new RetinaNet(model, classes, options, device);
    }

    /// <summary>
    /// Images as <see cref="Forward"/> takes them: normalised by ImageNet's mean and standard deviation, resized bilinearly,
    /// padded to one size, where the detector computes. A gradient flows back to the images.
    /// </summary>
    /// <param name="images">Each [3, H, W], float32, RGB, 0..1 (values outside are allowed), of any size, on any device.</param>
    /// <exception cref="ArgumentException">There is no image, or one is not [3, H, W] in float32.</exception>
    /// <exception cref="GenIspException">An image is too narrow to be resized.</exception>
    public RetinaNetBatch Transform(IReadOnlyList<Tensor> images)
    {
        using var scope = NewDisposeScope();
        var batch = RetinaNetTransform.Apply([.. images.Select(image => image.to(_device))], _options.MinSize, _options.MaxSize);
        batch.Images.MoveToOuterDisposeScope();
        return batch;
    }

    /// <summary>What the heads say of every anchor, for a loss. A gradient flows back to the batch.</summary>
    /// <param name="batch">[N, 3, H, W], float32, normalised, as from <see cref="Transform"/>.</param>
    public RetinaNetOutput Forward(Tensor batch) => _model.Forward(batch);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">There is no image, or one is not [3, H, W] in float32.</exception>
    /// <exception cref="GenIspException">An image is too narrow to be resized.</exception>
    public override IReadOnlyList<IReadOnlyList<Detection>> Detect(IReadOnlyList<Tensor> images, float scoreThreshold)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var batch = Transform(images);
        var output = Forward(batch.Images);
        return [.. images.Select((image, index) => DetectIn(output, index, batch.Sizes[index], image, scoreThreshold))];
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<DetectionLossTerms> LossOfEach(
        IReadOnlyList<Tensor> images, IReadOnlyList<IReadOnlyList<DetectionTarget>> targets, DetectionLossOptions options)
    {
        using var scope = NewDisposeScope();
        var batch = Transform(images);
        var output = Forward(batch.Images);
        var losses = images.Zip(batch.Sizes, targets).Select((one, index) =>
        {
            var (image, size, ofImage) = one;
            var originalSize = ((int)image.shape[1], (int)image.shape[2]);
            return RetinaNetLoss.Compute(
                output.ClassLogits[index],
                output.BoxRegression[index],
                output.Anchors.Span,
                [.. ofImage.Select(target => RetinaNetTransform.ToResized(target.Box, originalSize, size))],
                [.. ofImage.Select(target => Categories[target.Class].Id)], // a label is its category's id
                options);
        }).ToList();
        foreach (var loss in losses)
            scope.MoveToOuter(loss.Classification, loss.Boxes);
        return losses;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _model.Dispose();
    }

    private static Category CategoryOf(int label, bool isCoco) =>
        (isCoco ? CocoCategories.ById(label) : null) ?? new Category(label, $"class {label}");

    private IReadOnlyList<Detection> DetectIn(
        RetinaNetOutput output, int index, (int Height, int Width) size, Tensor image, float scoreThreshold)
    {
        var originalSize = ((int)image.shape[1], (int)image.shape[2]);
        return [.. RetinaNetPostProcessing.Detect(output, index, size, scoreThreshold, _options)
            .Select(candidate => new Detection(
                RetinaNetPostProcessing.ToOriginal(candidate.Box, size, originalSize), _categoryOfLabel[candidate.Label], candidate.Score))
            .Where(detection => detection.Box.Width >= 0 && detection.Box.Height >= 0)]; // not NaN
    }
}
