using GenIsp.Evaluation;

namespace GenIsp.Reporting;

/// <summary>All that a page shows. Names are plain text: the page escapes them.</summary>
public sealed record Report
{
    /// <summary>The headline.</summary>
    public required string Title { get; init; }

    /// <summary>A sentence below it, such as where the data come from; or null.</summary>
    public string? Note { get; init; }

    /// <summary>What led to the figures, such as the data set and the detector: names and values, in the order of the page.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Facts { get; init; } = [];

    /// <summary>How training went, or null.</summary>
    public TrainingCurves? Training { get; init; }

    /// <summary>What was measured, one data set after the other.</summary>
    public IReadOnlyList<EvaluationSection> Evaluations { get; init; } = [];
}

/// <summary>ISPs and detectors compared on one data set.</summary>
/// <param name="Title">The section's, such as the data set's name; a page with nothing else leaves it out.</param>
/// <param name="Rivals">Each pair of ISP and detector, in the order of the tables. All measure the same classes and subsets.</param>
/// <param name="Gallery">A few of the images, each with one view a rival: see <see cref="GalleryBuilder"/>. May be empty.</param>
public sealed record EvaluationSection(string Title, IReadOnlyList<RivalFigures> Rivals, IReadOnlyList<GalleryImage> Gallery);

/// <summary>The figures of one ISP and detector.</summary>
/// <param name="Isp">The ISP's name.</param>
/// <param name="Detector">The detector's name.</param>
/// <param name="All">Of all boxes.</param>
/// <param name="Subsets">Of the boxes of subsets, by their names, such as <c>extreme</c>; may be empty.</param>
public sealed record RivalFigures(
    string Isp, string Detector, CocoMetrics All, IReadOnlyList<KeyValuePair<string, CocoMetrics>> Subsets);

/// <summary>An image of the gallery.</summary>
/// <param name="Name">The file's.</param>
/// <param name="Difference">How much the ISPs differ on it, where it was chosen for that; null where chance chose it.</param>
/// <param name="Truth">The annotated boxes.</param>
/// <param name="Views">What each rival made of it and found in it.</param>
public sealed record GalleryImage(string Name, double? Difference, IReadOnlyList<GalleryBox> Truth, IReadOnlyList<GalleryView> Views);

/// <summary>What one ISP made of an image, and what one detector found there.</summary>
/// <param name="Picture">A small WebP file; views of one picture share one array.</param>
/// <param name="Width">Of the picture, in pixels.</param>
/// <param name="Height">Of the picture, in pixels.</param>
/// <param name="Found">The detections, best first.</param>
public sealed record GalleryView(byte[] Picture, int Width, int Height, IReadOnlyList<GalleryBox> Found);

/// <summary>A box on a picture, in shares of its width and height, 0..1.</summary>
/// <param name="Class">The class's name.</param>
/// <param name="X">Left edge.</param>
/// <param name="Y">Top edge.</param>
/// <param name="Width">To the right edge.</param>
/// <param name="Height">To the bottom edge.</param>
/// <param name="Score">The detector's, 0..1; null for an annotated box.</param>
/// <param name="IsCrowd">An annotated box of many objects, which are neither to be found nor wrong to be found.</param>
public readonly record struct GalleryBox(
    string Class, double X, double Y, double Width, double Height, double? Score = null, bool IsCrowd = false);
