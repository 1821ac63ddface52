using GenIsp.Detection;

namespace GenIsp.Data;

/// <summary>A box as COCO writes it, in pixels of the annotation frame; double, so that figures equal COCO's own.</summary>
/// <param name="X">Left edge.</param>
/// <param name="Y">Top edge.</param>
/// <param name="Width">To the right edge.</param>
/// <param name="Height">To the bottom edge.</param>
public readonly record struct CocoBox(double X, double Y, double Width, double Height)
{
    /// <summary>Whether it encloses nothing: a side is 0 or less.</summary>
    public bool IsDegenerate => !(Width > 0 && Height > 0);

    /// <summary>The same box by its corners.</summary>
    public Geometry.Box ToBox() => new((float)X, (float)Y, (float)(X + Width), (float)(Y + Height));
}

/// <summary>An image of a data set.</summary>
/// <param name="Id">Its id as text: COCO's are numbers, others' file names.</param>
/// <param name="FileName">The file's name in the annotations, or null. It is never opened: files are found by <see cref="Stem"/>.</param>
/// <param name="Size">The annotation frame's width and height in pixels, or null where the file does not say.</param>
public sealed record CocoImage(string Id, string? FileName, (int Width, int Height)? Size)
{
    /// <summary>The file's name without folder and ending, which joins annotations and files; the id where there is no name.</summary>
    public string Stem { get; } = FileName is null ? Id : Path.GetFileNameWithoutExtension(FileName[(FileName.LastIndexOf('\\') + 1)..]);
}

/// <summary>One box that somebody drew.</summary>
/// <param name="Id">Unique in its file.</param>
/// <param name="ImageId">The <see cref="CocoImage.Id"/> that it belongs to.</param>
/// <param name="CategoryId">Its class.</param>
/// <param name="Box">In the annotation frame.</param>
/// <param name="Area">In square pixels; of the object's outline in COCO, so less than the box's.</param>
/// <param name="IsCrowd">Many objects in one box: finding it is neither right nor wrong.</param>
/// <param name="Ignore">The file's own <c>ignore</c>. COCO's evaluation does not look at it.</param>
/// <param name="IsExtreme">RAW-NOD's <c>isextreme</c>: the object is lit extremely badly. Null where the file has no such flags.</param>
public sealed record CocoAnnotation(
    long Id, string ImageId, int CategoryId, CocoBox Box, double Area, bool IsCrowd = false, bool Ignore = false, bool? IsExtreme = null);

/// <summary>Images, boxes and classes of a COCO annotation file (https://cocodataset.org/#format-data, object detection).</summary>
public sealed class CocoDataset
{
    private readonly Lazy<ILookup<string, CocoAnnotation>> _byImage;

    /// <param name="source">The file's name, for messages.</param>
    /// <param name="images">In the order in which an evaluation shall go through them: it decides between equal scores.</param>
    /// <param name="annotations">In the file's order. Degenerate boxes go to <see cref="Degenerate"/>.</param>
    /// <param name="categories">In any order.</param>
    /// <exception cref="GenIspException">
    /// No image or no class at all; an id or a class's name twice; an annotation of an unknown image or class.
    /// </exception>
    public CocoDataset(
        string source, IReadOnlyList<CocoImage> images, IReadOnlyList<CocoAnnotation> annotations, IReadOnlyList<Category> categories)
    {
        Source = source;
        Images = images;
        Categories = [.. categories.OrderBy(category => category.Id)];
        if (images.Count == 0)
            throw new GenIspException($"{source} holds no images: \"images\" is empty.");
        if (categories.Count == 0)
            throw new GenIspException($"{source} holds no classes: \"categories\" is empty.");

        var known = new HashSet<string>(images.Count);
        foreach (var image in images)
        {
            if (!known.Add(image.Id))
                throw new GenIspException($"{source}: the image id {image.Id} occurs twice in \"images\".");
        }
        var (classes, names) = (new HashSet<int>(), new HashSet<string>());
        foreach (var category in categories)
        {
            if (!classes.Add(category.Id))
                throw new GenIspException($"{source}: the category id {category.Id} occurs twice in \"categories\".");
            if (!names.Add(category.Name))
                throw new GenIspException($"{source}: two categories have the name {category.Name}. Rename one, to tell them apart.");
        }
        var ids = new HashSet<long>(annotations.Count);
        var usable = new List<CocoAnnotation>(annotations.Count);
        var degenerate = new List<CocoAnnotation>();
        foreach (var annotation in annotations)
        {
            if (!ids.Add(annotation.Id))
                throw new GenIspException($"{source}: the annotation id {annotation.Id} occurs twice in \"annotations\".");
            if (!known.Contains(annotation.ImageId))
            {
                throw new GenIspException(
                    $"{source}: annotation {annotation.Id} is of the image {annotation.ImageId}, which \"images\" lacks.");
            }
            if (!classes.Contains(annotation.CategoryId))
            {
                throw new GenIspException(
                    $"{source}: annotation {annotation.Id} is of the category {annotation.CategoryId}, which \"categories\" lacks.");
            }
            (annotation.Box.IsDegenerate ? degenerate : usable).Add(annotation);
        }
        (Annotations, Degenerate) = (usable, degenerate);
        _byImage = new(() => Annotations.ToLookup(annotation => annotation.ImageId));
    }

    /// <summary>The file's name, for messages.</summary>
    public string Source { get; }

    /// <summary>The images; those of a file in the order of their ids, numbers as numbers and texts as texts.</summary>
    public IReadOnlyList<CocoImage> Images { get; }

    /// <summary>The boxes, in the file's order, without the degenerate ones.</summary>
    public IReadOnlyList<CocoAnnotation> Annotations { get; }

    /// <summary>The boxes that enclose nothing. They are no use in training, and worth a warning.</summary>
    public IReadOnlyList<CocoAnnotation> Degenerate { get; }

    /// <summary>The classes by ascending id. A file may list classes of which it has no box.</summary>
    public IReadOnlyList<Category> Categories { get; }

    /// <summary>The boxes of one image, without the degenerate ones.</summary>
    public IEnumerable<CocoAnnotation> AnnotationsOf(CocoImage image) => _byImage.Value[image.Id];

    /// <summary>Reads an annotation file.</summary>
    /// <remarks>
    /// Needed are <c>images</c> (id), <c>annotations</c> (id, image_id, category_id, bbox) and <c>categories</c> (id, name). Where
    /// <c>area</c> is missing, it is the box's; where <c>file_name</c> is, the id takes its place. The file's text is held in memory
    /// while it is read.
    /// </remarks>
    /// <exception cref="GenIspException">It is missing, not JSON, lacks keys, or contradicts itself.</exception>
    public static CocoDataset Read(string path) => CocoReader.Read(path);
}
