using GenIsp.Data;

namespace GenIsp.Cli;

/// <summary>A box that something is wrong with.</summary>
internal sealed record DoubtfulBox(long Id, string Image, double[] Bbox)
{
    public static DoubtfulBox Of(CocoAnnotation annotation)
    {
        var (x, y, width, height) = annotation.Box;
        return new DoubtfulBox(annotation.Id, annotation.ImageId, [x, y, width, height]);
    }
}

/// <summary>One annotation file. Boxes count the degenerate ones, too; files are null where no folder was given.</summary>
internal sealed record SplitReport(
    string Annotations, int Images, int EmptyImages, int Boxes, int Crowds, int? Extreme, IReadOnlyDictionary<string, int> PerClass,
    IReadOnlyDictionary<string, int> Frames, IReadOnlyList<DoubtfulBox> Degenerate, IReadOnlyList<DoubtfulBox> Outside,
    int? FilesFound, IReadOnlyList<string>? MissingFiles)
{
    public static SplitReport Of(CocoDataset split, ImageFolder? folder)
    {
        List<CocoAnnotation> all = [.. split.Annotations, .. split.Degenerate];
        var sizes = split.Images.ToDictionary(image => image.Id, image => image.Size);
        // Half a pixel is rounding.
        bool IsOutside(CocoAnnotation annotation) => sizes[annotation.ImageId] is var (width, height)
            && (annotation.Box.X < -0.5 || annotation.Box.Y < -0.5 || annotation.Box.X + annotation.Box.Width > width + 0.5
                || annotation.Box.Y + annotation.Box.Height > height + 0.5);
        var boxesOfClass = all.CountBy(annotation => annotation.CategoryId).ToDictionary();
        var missing = folder is null ? null : split.Images.Where(image => folder.Find(image) is null).Select(image => image.Stem).ToList();
        return new SplitReport(
            split.Source, split.Images.Count, split.Images.Count(image => !split.AnnotationsOf(image).Any()), all.Count,
            all.Count(annotation => annotation.IsCrowd),
            all.Any(annotation => annotation.IsExtreme is not null) ? all.Count(annotation => annotation.IsExtreme == true) : null,
            new OrderedDictionary<string, int>(split.Categories.Where(category => boxesOfClass.ContainsKey(category.Id))
                .Select(category => KeyValuePair.Create(category.Name, boxesOfClass[category.Id]))),
            new OrderedDictionary<string, int>(split.Images
                .CountBy(image => image.Size is var (width, height) ? $"{width}x{height}" : "unknown")
                .OrderByDescending(pair => pair.Value)),
            [.. split.Degenerate.Select(DoubtfulBox.Of)], [.. all.Where(IsOutside).Select(DoubtfulBox.Of)],
            split.Images.Count - missing?.Count, missing);
    }
}

/// <summary>What two annotation files have in common.</summary>
internal sealed record OverlapReport(string First, string Second, IReadOnlyList<string> Shared, int Adjacent);

/// <summary>What <c>dataset check</c> finds.</summary>
internal sealed record DatasetReport(
    IReadOnlyList<SplitReport> Splits, IReadOnlyList<OverlapReport> Overlaps, IReadOnlyList<string>? OrphanFiles)
{
    public static DatasetReport Of(IReadOnlyList<CocoDataset> splits, ImageFolder? folder)
    {
        var overlaps = new List<OverlapReport>();
        for (var second = 1; second < splits.Count; second++)
        {
            foreach (var first in splits.Take(second))
            {
                var overlap = SplitOverlap.Between(first.Images, splits[second].Images);
                overlaps.Add(new OverlapReport(first.Source, splits[second].Source, overlap.Shared, overlap.Adjacent));
            }
        }
        return new DatasetReport(
            [.. splits.Select(split => SplitReport.Of(split, folder))], overlaps,
            folder?.Orphans(splits.SelectMany(split => split.Images)));
    }
}
