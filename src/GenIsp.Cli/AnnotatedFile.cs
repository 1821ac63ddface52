using GenIsp.Color;
using GenIsp.Data;
using GenIsp.Imaging;
using GenIsp.Raw;

namespace GenIsp.Cli;

/// <summary>An image of a data set and its file.</summary>
internal sealed record AnnotatedFile(CocoImage Image, string Path)
{
    /// <summary>The file of every image, in the annotations' order.</summary>
    /// <exception cref="GenIspException">A folder can't be read, or files are missing: how many, and the first.</exception>
    public static IReadOnlyList<AnnotatedFile> FindAll(CocoDataset dataset, IReadOnlyList<string> folders)
    {
        var files = new ImageFolder(folders).FindAll(dataset);
        return [.. dataset.Images.Select(image => new AnnotatedFile(image, files[image]))];
    }

    /// <summary>Reads the file, once for all ISPs. Managed code only, so that it can run beside a detector.</summary>
    /// <param name="options">All ways to make an ISP's input, each once; their crop is replaced by what the annotations show.</param>
    public AnnotatedInput Read(IEnumerable<LinearOptions> options)
    {
        if (Developer.IsDeveloped(Path))
        {
            var photo = PictureFile.Read(Path);
            return new AnnotatedInput(AnnotationFrame.In(photo, Path, Image), photo, []);
        }
        var sensor = RawReader.Read(Path);
        var frame = AnnotationFrame.In(sensor, Image);
        return new AnnotatedInput(
            frame, null, options.ToDictionary(way => way, way => LinearPipeline.ToLinear(sensor, way with { Crop = frame.Crop })));
    }
}

/// <summary>What ISPs and detectors need of one image.</summary>
/// <param name="Frame">Where the annotations lie in it.</param>
/// <param name="Photo">Developed already; null for a RAW file.</param>
/// <param name="Linear">Linear light by how it was made; empty for a photo.</param>
internal sealed record AnnotatedInput(AnnotationFrame Frame, RgbImage? Photo, Dictionary<LinearOptions, LinearImage> Linear);
