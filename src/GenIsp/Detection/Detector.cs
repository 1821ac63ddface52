using GenIsp.Color;
using GenIsp.Geometry;
using static TorchSharp.torch;

namespace GenIsp.Detection;

/// <summary>One object that a detector found.</summary>
/// <param name="Box">In pixels of the image that the detector was given.</param>
/// <param name="Category">Its class.</param>
/// <param name="Score">Confidence, 0..1.</param>
public readonly record struct Detection(Box Box, Category Category, float Score);

/// <summary>
/// A frozen, pretrained object detector: an image in, boxes out. Its weights require no gradient, but a gradient flows through it to
/// its input.
/// </summary>
public abstract class Detector : IDisposable
{
    /// <summary>The classes that it knows.</summary>
    public abstract IReadOnlyList<Category> Categories { get; }

    /// <summary>How large a picture should be: more pixels than these are shrunk before it looks at them.</summary>
    public abstract SizeLimit PreferredSize { get; }

    /// <summary>What its convolutions compute in.</summary>
    public virtual DetectorPrecision Precision => DetectorPrecision.Float32;

    /// <summary>Finds the objects in each image, best first.</summary>
    /// <param name="images">Each [3, H, W], float32, RGB, 0..1 (values outside are allowed), of any size, on any device.</param>
    /// <param name="scoreThreshold">Detections that score below it are left out; 0..1.</param>
    /// <returns>One list an image, in the image's own pixels, clipped to it.</returns>
    public abstract IReadOnlyList<IReadOnlyList<Detection>> Detect(IReadOnlyList<Tensor> images, float scoreThreshold);

    /// <summary>
    /// How far the detector is from finding just the given objects: for each image the focal loss of all anchors or points, and the box
    /// loss of those that stand for a box, both divided by their number (by 1 if there is none); then the mean over the images. It
    /// carries a gradient to the images that require one, and to nothing of the detector.
    /// </summary>
    /// <param name="images">Each [3, H, W], float32, RGB, 0..1 (values outside are allowed), of any size, on any device.</param>
    /// <param name="targets">Of each image, in any order; there may be none.</param>
    /// <param name="options">The loss.</param>
    /// <returns>Two scalars in the caller's dispose scope, where the detector computes.</returns>
    /// <exception cref="ArgumentException">
    /// There is no image, one is not [3, H, W] in float32, not every image has its targets, or a target's class is unknown.
    /// </exception>
    /// <exception cref="GenIspException">An image is too narrow to be resized.</exception>
    public DetectionLossTerms Loss(
        IReadOnlyList<Tensor> images, IReadOnlyList<IReadOnlyList<DetectionTarget>> targets, DetectionLossOptions options)
    {
        if (images.Count == 0 || images.Count != targets.Count)
            throw new ArgumentException($"There are {images.Count} images and the targets of {targets.Count}.", nameof(targets));
        foreach (var target in targets.SelectMany(ofImage => ofImage).Where(target => target.Class < 0 || target.Class >= Categories.Count))
            throw new ArgumentException($"{target} is of no class of the {Categories.Count}.", nameof(targets));
        using var scope = NewDisposeScope();
        var each = LossOfEach(images, [.. targets.Select(WithArea)], options);
        return new DetectionLossTerms(
            stack(each.Select(image => image.Classification)).mean().MoveToOuterDisposeScope(),
            (stack(each.Select(image => image.Boxes)).mean().Times(options.BoxWeight)).MoveToOuterDisposeScope(),
            each.Sum(image => image.Positives));
    }

    /// <summary>The losses of each image, its terms divided by its positives, the boxes without their weight.</summary>
    /// <param name="images">At least one.</param>
    /// <param name="targets">As many; each with area and of a known class.</param>
    /// <param name="options">The loss.</param>
    /// <returns>One an image, in the caller's dispose scope.</returns>
    protected abstract IReadOnlyList<DetectionLossTerms> LossOfEach(
        IReadOnlyList<Tensor> images, IReadOnlyList<IReadOnlyList<DetectionTarget>> targets, DetectionLossOptions options);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees the native memory.</summary>
    protected abstract void Dispose(bool disposing);

    private static IReadOnlyList<DetectionTarget> WithArea(IReadOnlyList<DetectionTarget> targets) =>
        [.. targets.Where(target => target.Box is { Width: > 0 and < float.PositiveInfinity, Height: > 0 and < float.PositiveInfinity })];
}
