using GenIsp.Imaging;
using GenIsp.Raw;

namespace GenIsp.Data;

/// <summary>The picture files of folders: RAW files, mosaics with a sidecar, photos.</summary>
public sealed class ImageFolder
{
    private readonly IReadOnlyList<string> _folders;
    private readonly ILookup<string, string> _byStem;

    /// <exception cref="GenIspException">A folder does not exist or can't be read.</exception>
    public ImageFolder(params IEnumerable<string> folders)
    {
        _folders = [.. folders];
        Files = [.. _folders.SelectMany(folder => PicturesIn(folder))];
        _byStem = Files.ToLookup(file => Path.GetFileNameWithoutExtension(file), StringComparer.Ordinal);
    }

    /// <summary>All picture files, those of each folder in order of their names.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>
    /// The file of an image: the one with its very name, else one with its stem: a RAW file before a mosaic before a photo, for cameras
    /// write a JPEG beside the RAW. Null if there is none.
    /// </summary>
    public string? Find(CocoImage image) => _byStem[image.Stem]
        .OrderBy(file => Path.GetFileName(file) != Path.GetFileName(image.FileName))
        .ThenBy(file => RawReader.IsMosaic(file) ? 1 : PictureFile.IsPhoto(file) ? 2 : 0)
        .FirstOrDefault();

    /// <summary>The file of every image of a data set.</summary>
    /// <exception cref="GenIspException">Files are missing: how many, and the first.</exception>
    public IReadOnlyDictionary<CocoImage, string> FindAll(CocoDataset dataset)
    {
        const int Named = 3; // Enough to see what is wrong with the names.
        var found = dataset.Images.Select(image => (Image: image, File: Find(image))).ToList();
        string[] missing = [.. found.Where(pair => pair.File is null).Select(pair => pair.Image.FileName ?? pair.Image.Stem)];
        if (missing.Length > 0)
        {
            throw new GenIspException(
                $"{missing.Length} of the {dataset.Images.Count} images of {dataset.Source} have no file in {string.Join(", ", _folders)}: "
                + string.Join(", ", missing.Take(Named)) + (missing.Length > Named ? ", …" : "") + ". Are these the right folders?");
        }
        return found.ToDictionary(pair => pair.Image, pair => pair.File!);
    }

    /// <summary>The files that belong to no image.</summary>
    public IReadOnlyList<string> Orphans(IEnumerable<CocoImage> images)
    {
        var stems = images.Select(image => image.Stem).ToHashSet(StringComparer.Ordinal);
        return [.. Files.Where(file => !stems.Contains(Path.GetFileNameWithoutExtension(file)))];
    }

    /// <summary>The picture files of a folder, in order of their names; other files are passed over.</summary>
    internal static IReadOnlyList<string> PicturesIn(string folder)
    {
        if (!Directory.Exists(folder))
            throw new GenIspException($"The folder {folder} does not exist.");
        try
        {
            return
            [
                .. Directory.EnumerateFiles(folder)
                    .Where(file => RawReader.HasRawExtension(file) || RawReader.IsMosaic(file) || PictureFile.IsPhoto(file))
                    .Order(StringComparer.Ordinal),
            ];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new GenIspException($"The folder {folder} can't be read: {e.Message}", e);
        }
    }
}
