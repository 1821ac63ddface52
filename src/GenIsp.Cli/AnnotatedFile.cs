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
    /// <param name="developers">What will develop it.</param>
    /// <param name="reader">Keeps what it reads, but a developer that chooses by the noise must see the file itself.</param>
    public AnnotatedInput Read(IEnumerable<Developer> developers, AnnotatedReader reader)
    {
        if (Developer.IsDeveloped(Path))
        {
            var photo = PictureFile.Read(Path);
            return new AnnotatedInput(AnnotationFrame.In(photo, Path, Image), photo, []);
        }
        var sensor = new Lazy<SensorImage>(() => RawReader.Read(Path));
        var ways = developers.ToDictionary(developer => developer, developer => developer.For(sensor));
        var read = ways.Values.Select(way => way.Options).Distinct()
            .ToDictionary(options => options, options => reader.Read(Path, Image, options, sensor));
        return new AnnotatedInput(
            read.Values.First().Annotations, null,
            ways.ToDictionary(pair => pair.Key, pair => (pair.Value, read[pair.Value.Options].Linear)));
    }
}

/// <summary>What ISPs and detectors need of one image.</summary>
/// <param name="Frame">Where the annotations lie in it.</param>
/// <param name="Photo">Developed already; null for a RAW file.</param>
/// <param name="Linear">What develops it, and its linear light; empty for a photo.</param>
internal sealed record AnnotatedInput(
    AnnotationFrame Frame, RgbImage? Photo, Dictionary<Developer, (Way Way, LinearImage Image)> Linear)
{
    /// <summary>The photo, or what a developer makes of the RAW file.</summary>
    public RgbImage Develop(Developer developer) => Photo ?? Linear[developer].Way.Isp.Develop(Linear[developer].Image);
}
