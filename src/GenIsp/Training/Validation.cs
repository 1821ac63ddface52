using GenIsp.Data;
using GenIsp.Detection;
using GenIsp.Distributed;
using GenIsp.Evaluation;
using GenIsp.Isp;
using static TorchSharp.torch;

namespace GenIsp.Training;

/// <summary>How well a detector sees through an ISP: COCO's figures over a data set.</summary>
internal static class Validation
{
    // YOLOX's own evaluations begin there: recall at low scores is part of AP.
    internal const double LowestScore = 0.001;

    /// <param name="images">The data set.</param>
    /// <param name="isp">What develops.</param>
    /// <param name="detector">What looks.</param>
    /// <param name="seed">Determines simulated nights: the same in every epoch.</param>
    /// <param name="cancellation">Stops between images.</param>
    /// <param name="world">The processes that share the images; null works alone.</param>
    /// <returns>
    /// The figures over all annotated classes; boxes of those that the detector does not know count as missed. The first process has them,
    /// the others null.
    /// </returns>
    /// <exception cref="OperationCanceledException">It was cancelled, in any process.</exception>
    public static CocoMetrics? Measure(
        DatasetImages images, IIsp isp, Detector detector, long seed, CancellationToken cancellation, Communicator? world = null)
    {
        world ??= Communicator.Alone;
        var map = CategoryMap.Between(images.Dataset.Categories, detector.Categories);
        var idsOf = map.Matches.ToLookup(match => match.Detector, match => match.Annotation.Id);
        var detections = new List<CocoDetection[]>();
        foreach (var image in Read(images, world.Share(images.Dataset.Images), seed))
        {
            if (cancellation.IsCancellationRequested)
                break;
            using var scope = NewDisposeScope();
            var picture = isp.Develop(image.Linear);
            var pixels = tensor(picture.Pixels.ToArray(), [3, picture.Height, picture.Width], dtype: ScalarType.Float32);
            detections.Add(
            [
                .. from found in detector.Detect([pixels], (float)LowestScore)[0]
                   from id in idsOf[found.Category]
                   select new CocoDetection(image.Image.Id, id, image.FromPixels(found.Box), found.Score),
            ]);
        }
        if (world.Any(cancellation.IsCancellationRequested))
            throw new OperationCanceledException(cancellation);
        var all = world.Merge(detections);
        return world.IsFirst
            ? CocoEvaluator.Evaluate(images.Dataset, [.. all.SelectMany(found => found)], new CocoEvaluationOptions())
            : null;
    }

    /// <summary>The first few images of a data set.</summary>
    public static IEnumerable<DatasetImage> Samples(DatasetImages images, long seed, int count) =>
        Read(images, images.Dataset.Images.Take(count), seed);

    private static IEnumerable<DatasetImage> Read(DatasetImages images, IEnumerable<CocoImage> chosen, long seed) => Prefetch.InOrder(
        chosen, image => images.Read(image, Seeds.Derive(seed, image.Stem, "validation")), ahead: 2 * Environment.ProcessorCount);
}
