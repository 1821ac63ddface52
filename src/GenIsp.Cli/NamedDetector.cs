using GenIsp.Data;
using GenIsp.Detection;
using GenIsp.Evaluation;
using GenIsp.Imaging;
using TorchSharp;

namespace GenIsp.Cli;

/// <summary>A detector that speaks of a data set's classes.</summary>
internal sealed class NamedDetector : IDisposable
{
    private readonly Detector _detector;

    // By the detector's class, the data set's that mean the same.
    private readonly ILookup<Category, int> _categoryIds;

    private NamedDetector(string name, Detector detector, CategoryMap map)
    {
        (Name, _detector) = (name, detector);
        _categoryIds = map.Matches.ToLookup(match => match.Detector, match => match.Annotation.Id);
    }

    /// <summary>What it is called in tables.</summary>
    public string Name { get; }

    /// <summary>Loads a detector, and tells which of the annotations' classes it does not know.</summary>
    /// <exception cref="GenIspException">It can't be loaded, or knows none of the classes.</exception>
    public static NamedDetector Load(
        Terminal terminal, CocoDataset dataset, string path, string name, torch.Device? device = null)
    {
        // Figures are the same on every machine.
        var detector = DetectorFile.Load(path, precision: DetectorPrecision.Float32, device: device);
        var map = CategoryMap.Between(dataset.Categories, detector.Categories);
        if (map.Matches.Count == 0)
        {
            detector.Dispose();
            throw new GenIspException(
                $"{path} knows none of the classes of {dataset.Source}, so there is nothing to measure: {Listed(dataset.Categories)}");
        }
        if (map.Unmapped.Count > 0)
            terminal.Say($"genisp: {path} does not know these classes, whose boxes count as missed: {Listed(map.Unmapped)}");
        foreach (var (annotation, own, _) in map.Matches.Where(match => !match.ByName))
            terminal.Say($"genisp: {path}: the class {annotation.Name} is taken for {own.Name}, because both have the id {own.Id}");
        return new NamedDetector(name, detector, map);
    }

    /// <summary>The objects of the data set's classes in a picture, in the annotations' frame.</summary>
    public IReadOnlyList<CocoDetection> Detect(RgbImage picture, AnnotationFrame frame, CocoImage image, float score) =>
    [
        .. from found in DetectCommand.Detect(_detector, picture, score)
           let box = frame.FromPicture(picture.Frame.ToSource(found.Box))
           from id in _categoryIds[found.Category]
           select new CocoDetection(image.Id, id, new CocoBox(box.X1, box.Y1, box.Width, box.Height), found.Score),
    ];

    public void Dispose() => _detector.Dispose();

    private static string Listed(IEnumerable<Category> categories) =>
        Terminal.Printable(string.Join(", ", categories.Select(category => category.Name)));
}
