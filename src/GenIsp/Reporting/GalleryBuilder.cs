using GenIsp.Data;
using GenIsp.Distributed;
using GenIsp.Evaluation;
using GenIsp.Imaging;
using SkiaSharp;

namespace GenIsp.Reporting;

/// <summary>
/// Chooses images for the gallery while an evaluation goes through them: those on which the rivals differ most, and some at random. Only
/// the pictures of the images that are chosen so far are kept, small and compressed.
/// </summary>
/// <remarks>
/// The difference of two rivals on an image is the sum over its boxes of |s₁ − s₂|, where s is the best score of a detection of the box's
/// class with an IoU of at least 0.5, or 0 where there is none. So no threshold decides, and objects that one rival sees and another does
/// not count most. An image's difference is the largest of any two rivals with the same detector.
/// </remarks>
public sealed class GalleryBuilder
{
    private const int MostImages = 10, LeastImages = 2;

    // Some 60 KB each.
    private const int Pictures = 30;

    private const int LongSide = 960, ShortSide = 640, Quality = 78;

    // What a page can't show is left out: a detector finds a hundred things of next to no score in every image.
    private const double LowestScore = 0.05;
    private const int MostDetections = 100;

    private const double MatchingIoU = 0.5;

    private readonly CocoDataset _dataset;
    private readonly IReadOnlyList<string> _detectors;
    private readonly Dictionary<int, string> _classes;
    private readonly HashSet<string> _random;
    private readonly int _mostDifferent;
    private readonly Dictionary<string, int> _placeOf;
    private readonly List<(int Place, double Difference, GalleryImage Image)> _chosen = [];

    /// <param name="dataset">The images and what is in them.</param>
    /// <param name="detectors">The detector of each rival, by any name that tells it from others.</param>
    /// <param name="pictures">How many different pictures the rivals have of an image: the number of ISPs.</param>
    /// <param name="classes">The names of the classes to show; null shows all.</param>
    public GalleryBuilder(CocoDataset dataset, IReadOnlyList<string> detectors, int pictures, IReadOnlyCollection<string>? classes = null)
    {
        (_dataset, _detectors) = (dataset, detectors);
        _placeOf = dataset.Images.Index().ToDictionary(pair => pair.Item.Id, pair => pair.Index);
        _classes = dataset.Categories.Where(category => classes?.Contains(category.Name) ?? true)
            .ToDictionary(category => category.Id, category => category.Name);
        var images = Math.Clamp(Pictures / Math.Max(1, pictures), LeastImages, MostImages);
        var random = pictures > 1 ? Math.Min(images, dataset.Images.Count) / 2 : images;
        _mostDifferent = images - random;
        _random =
        [
            .. dataset.Images.OrderBy(image => Seeds.Derive(0, "gallery", image.Stem)).Take(random).Select(image => image.Id),
        ];
    }

    /// <summary>Shows an image to the builder, which keeps it or not.</summary>
    /// <param name="image">One of the data set's, each once.</param>
    /// <param name="frame">Where its annotations lie.</param>
    /// <param name="views">Each rival's picture and detections, these in the annotations' frame.</param>
    public void Offer(
        CocoImage image, AnnotationFrame frame, IReadOnlyList<(RgbImage Picture, IReadOnlyList<CocoDetection> Found)> views)
    {
        var place = _placeOf[image.Id];
        var isRandom = _random.Contains(image.Id);
        var difference = isRandom ? 0 : LargestDifference(image, views);
        if (isRandom || IsAmongMostDifferent(difference))
            _chosen.Add((place, difference, Make(image, frame, views, isRandom ? null : difference)));
    }

    /// <summary>The images chosen: first those that differ most, then those of chance in the data set's order.</summary>
    public IReadOnlyList<GalleryImage> Build() =>
        [.. _chosen.OrderByDescending(one => one.Difference).ThenBy(one => one.Place).Select(one => one.Image)];

    /// <summary>At the first process: goes on as if it had been shown the images of all. Elsewhere nothing is left.</summary>
    internal void Merge(Communicator world)
    {
        var all = world.Gather(_chosen).SelectMany(one => one).OrderBy(one => one.Place).ToList();
        _chosen.Clear();
        foreach (var one in all)
        {
            if (one.Image.Difference is null || IsAmongMostDifferent(one.Difference))
                _chosen.Add(one);
        }
    }

    // If it is, the one that differs least makes room.
    private bool IsAmongMostDifferent(double difference)
    {
        if (difference <= 0 || _mostDifferent == 0)
            return false;
        var different = _chosen.Where(one => one.Image.Difference is not null).ToList();
        if (different.Count < _mostDifferent)
            return true;
        // Of two that differ as much, the first stays.
        var least = different.MinBy(one => (one.Difference, -one.Place));
        return difference > least.Difference && _chosen.Remove(least);
    }

    private double LargestDifference(CocoImage image, IReadOnlyList<(RgbImage Picture, IReadOnlyList<CocoDetection> Found)> views)
    {
        var truths = TruthsOf(image).Where(truth => !truth.IsCrowd).ToList();
        var scores = views.Select(view => truths.ConvertAll(truth => BestScore(truth, view.Found))).ToList();
        var largest = 0.0;
        for (var i = 0; i < scores.Count; i++)
        {
            for (var j = 0; j < i; j++)
            {
                if (_detectors[i] == _detectors[j])
                    largest = Math.Max(largest, scores[i].Zip(scores[j], (a, b) => Math.Abs(a - b)).Sum());
            }
        }
        return largest;
    }

    private IEnumerable<CocoAnnotation> TruthsOf(CocoImage image) =>
        _dataset.AnnotationsOf(image).Where(truth => _classes.ContainsKey(truth.CategoryId));

    private static double BestScore(CocoAnnotation truth, IReadOnlyList<CocoDetection> found)
    {
        var box = truth.Box.ToBox();
        return found.Where(one => one.CategoryId == truth.CategoryId && one.Box.ToBox().IoU(box) >= MatchingIoU)
            .Select(one => one.Score).DefaultIfEmpty(0).Max();
    }

    private GalleryImage Make(
        CocoImage image, AnnotationFrame frame, IReadOnlyList<(RgbImage Picture, IReadOnlyList<CocoDetection> Found)> views,
        double? difference)
    {
        // All pictures of an image show the same part of it.
        var place = views[0].Picture.Frame;
        GalleryBox BoxOf(CocoBox box, int category, double? score, bool isCrowd)
        {
            var on = place.FromSource(frame.ToPicture(box.ToBox()));
            return new GalleryBox(
                _classes[category], on.X1 / place.Width, on.Y1 / place.Height, on.Width / place.Width, on.Height / place.Height, score,
                isCrowd);
        }
        var small = new Dictionary<RgbImage, (byte[] File, int Width, int Height)>(ReferenceEqualityComparer.Instance);
        var made = new List<GalleryView>();
        foreach (var (picture, found) in views)
        {
            if (!small.TryGetValue(picture, out var file))
                small[picture] = file = Shrink(picture);
            made.Add(new GalleryView(
                file.File, file.Width, file.Height,
                [
                    .. found.Where(one => one.Score >= LowestScore && _classes.ContainsKey(one.CategoryId))
                        .OrderByDescending(one => one.Score).Take(MostDetections)
                        .Select(one => BoxOf(one.Box, one.CategoryId, one.Score, false)),
                ]));
        }
        return new GalleryImage(
            image.FileName ?? image.Id, difference,
            [.. TruthsOf(image).Select(truth => BoxOf(truth.Box, truth.CategoryId, null, truth.IsCrowd))], made);
    }

    private static (byte[] File, int Width, int Height) Shrink(RgbImage picture)
    {
        var (width, height) = (picture.Width, picture.Height);
        var scale = Math.Min(1, Math.Min((double)LongSide / Math.Max(width, height), (double)ShortSide / Math.Min(width, height)));
        (width, height) = (Math.Max(1, (int)Math.Round(width * scale)), Math.Max(1, (int)Math.Round(height * scale)));
        using var full = PictureFile.ToBitmap(picture);
        using var small = new SKBitmap(full.Info.WithSize(width, height));
        full.ScalePixels(small, new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear));
        using var file = PictureFile.Encode("report.html", small, SKEncodedImageFormat.Webp, Quality);
        return (file.ToArray(), width, height);
    }
}
