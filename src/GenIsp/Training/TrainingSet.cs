using System.Globalization;
using GenIsp.Color;
using GenIsp.Data;
using GenIsp.Detection;
using GenIsp.Distributed;

namespace GenIsp.Training;

/// <summary>An image and what the detector should see in it.</summary>
/// <param name="Name">The file's name, for messages.</param>
/// <param name="Image">In linear light, augmented.</param>
/// <param name="Targets">In the image's pixels, inside it.</param>
/// <param name="Guide">[3, H, W], the picture to imitate, or null.</param>
internal sealed record TrainingSample(string Name, LinearImage Image, IReadOnlyList<DetectionTarget> Targets, float[]? Guide);

/// <summary>The images of one step.</summary>
/// <param name="Count">How many, at least 1.</param>
/// <param name="Share">Those of this process; all where it is alone, and none where there are more processes than images.</param>
internal sealed record TrainingBatch(int Count, IReadOnlyList<TrainingSample> Share);

/// <summary>What is learned from: images of which the detector knows at least one object.</summary>
internal sealed class TrainingSet
{
    private readonly DatasetImages _images;
    private readonly TrainingOptions _options;
    private readonly Dictionary<int, int> _classOf = [];
    private readonly CocoImage[] _learned;

    /// <exception cref="GenIspException">The detector knows no object of the images.</exception>
    public TrainingSet(DatasetImages images, Detector detector, TrainingOptions options)
    {
        (_images, _options) = (images, options);
        var indexOf = detector.Categories.Index().ToDictionary(pair => pair.Item, pair => pair.Index);
        foreach (var match in CategoryMap.Between(images.Dataset.Categories, detector.Categories).Matches)
            _classOf[match.Annotation.Id] = indexOf[match.Detector];
        // As torchvision's reference training does: what holds nothing to find is left out.
        _learned = [.. images.Dataset.Images.Where(image => Learnable(image).Any())];
        if (_learned.Length == 0)
        {
            throw new GenIspException(
                $"Nothing in {images.Dataset.Source} can be learned: of its {images.Dataset.Annotations.Count} boxes, none is of a class "
                + $"that the detector knows, and no crowd. Its classes: {string.Join(", ", images.Dataset.Categories.Select(c => c.Name))}.");
        }
    }

    /// <summary>Images in an epoch.</summary>
    public int Count => _learned.Length;

    /// <summary>Steps in an epoch; the last one may have fewer images.</summary>
    public int StepsPerEpoch => (Count + _options.BatchSize - 1) / _options.BatchSize;

    /// <summary>
    /// The batches of an epoch from a step on, in an order that seed and epoch determine; each process reads its share, ahead.
    /// </summary>
    public IEnumerable<TrainingBatch> Batches(int epoch, int firstStep, Communicator? world = null)
    {
        world ??= Communicator.Alone;
        var order = new RandomSource(Seeds.Derive(_options.Seed, "order", Text(epoch)));
        var shuffled = _learned.Select(image => (Key: order.NextBits(), Image: image)).OrderBy(pair => pair.Key).Select(pair => pair.Image);
        var imitated = (_options.ImitationSteps - (long)epoch * StepsPerEpoch) * _options.BatchSize;
        var batches = shuffled.Index().Chunk(_options.BatchSize).Skip(firstStep)
            .Select(batch => (Count: batch.Length, Share: world.Share(batch).ToList())).ToList();
        using var samples = Prefetch.InOrder(
            batches.SelectMany(batch => batch.Share), place => Load(place.Item, epoch, withGuide: place.Index < imitated),
            ahead: 2 * Environment.ProcessorCount).GetEnumerator();
        foreach (var (count, share) in batches)
        {
            yield return new TrainingBatch(count, share.ConvertAll(_ =>
            {
                samples.MoveNext();
                return samples.Current;
            }));
        }
    }

    /// <summary>One image as an epoch sees it.</summary>
    internal TrainingSample Load(CocoImage image, int epoch, bool withGuide = false)
    {
        ulong For(string purpose) => Seeds.Derive(_options.Seed, image.Stem, purpose, Text(epoch));
        var read = _images.Read(image, For("night"), withGuide);
        var augmentation = Augmentation.Draw(_options, For("augmentation"));
        var changed = read with { Linear = augmentation.Apply(read.Linear) };
        var targets = Learnable(image).Select(box => new DetectionTarget(
            changed.ToPixels(box.Box).ClipTo(changed.Linear.Width, changed.Linear.Height), _classOf[box.CategoryId]));
        return new TrainingSample(
            read.Linear.Source, changed.Linear, [.. targets.Where(target => target.Box is { Width: > 0, Height: > 0 })],
            read.Guide is { } guide ? augmentation.Mirrored(guide.Pixels.Span, guide.Width) : null);
    }

    private IEnumerable<CocoAnnotation> Learnable(CocoImage image) =>
        _images.Dataset.AnnotationsOf(image).Where(box => !box.IsCrowd && _classOf.ContainsKey(box.CategoryId));

    private static string Text(int epoch) => epoch.ToString(CultureInfo.InvariantCulture);
}
