using GenIsp.Color;
using GenIsp.Detection;
using GenIsp.Geometry;
using static TorchSharp.torch;

namespace GenIsp.Tests.Training;

/// <summary>
/// A detector without weights: it takes what is bright for one person, and its loss is how far the picture's targets are from white and the
/// whole is from gray.
/// </summary>
internal sealed class BrightDetector : Detector
{
    public override IReadOnlyList<Category> Categories => CocoCategories.All;

    public override SizeLimit PreferredSize => new(64, 64);

    public override IReadOnlyList<IReadOnlyList<GenIsp.Detection.Detection>> Detect(IReadOnlyList<Tensor> images, float scoreThreshold) =>
        [.. images.Select(image => (IReadOnlyList<GenIsp.Detection.Detection>)[new(Bright(image), Categories[0], 0.9f)])];

    protected override IReadOnlyList<DetectionLossTerms> LossOfEach(
        IReadOnlyList<Tensor> images, IReadOnlyList<IReadOnlyList<DetectionTarget>> targets, DetectionLossOptions options) =>
        [.. images.Zip(targets, LossOf)];

    protected override void Dispose(bool disposing)
    {
    }

    private static DetectionLossTerms LossOf(Tensor image, IReadOnlyList<DetectionTarget> targets)
    {
        using var scope = NewDisposeScope();
        var boxes = targets.Select(target => image.slice(1, (long)target.Box.Y1, (long)target.Box.Y2, 1)
            .slice(2, (long)target.Box.X1, (long)target.Box.X2, 1).Plus(-1).square().mean());
        return new DetectionLossTerms(
            image.Plus(-0.5).square().mean().MoveToOuterDisposeScope(), stack(boxes).mean().MoveToOuterDisposeScope(), targets.Count);
    }

    private static Box Bright(Tensor image)
    {
        using var scope = NewDisposeScope();
        var green = image[1];
        // Where a bright rectangle's edge is blurred by enlarging, somewhat more than a half is still inside.
        var places = green.IsAbove(green.max().Value() * 0.4).nonzero();
        var (first, last) = (places.amin(0).data<long>().ToArray(), places.amax(0).data<long>().ToArray());
        return new Box(first[1], first[0], last[1] + 1, last[0] + 1);
    }
}
