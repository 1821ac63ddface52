using GenIsp.Data;
using GenIsp.Detection;
using GenIsp.Evaluation;
using GenIsp.Geometry;
using GenIsp.Imaging;
using GenIsp.Reporting;

namespace GenIsp.Tests.Reporting;

/// <summary>
/// Four images of two people each. "dim" finds the left one with 0.6, and on one image with 0.2; "bright" finds both with 0.9, and with
/// 0.4 something where nothing is.
/// </summary>
internal static class SampleReport
{
    public const int Width = 60, Height = 40;

    private static readonly CocoBox Left = new(6, 4, 12, 20), Right = new(36, 10, 12, 20), Nothing = new(20, 30, 8, 8);

    public static Report Create(string person = "person", string isp = "dim")
    {
        var dataset = Dataset(person);
        var (dim, bright) = (new List<CocoDetection>(), new List<CocoDetection>());
        var builder = new GalleryBuilder(dataset, ["eye", "eye"], pictures: 2);
        foreach (var image in dataset.Images)
        {
            CocoDetection[] less = [new(image.Id, 1, Left, image.Id == "2" ? 0.2 : 0.6)];
            CocoDetection[] more = [new(image.Id, 1, Left, 0.9), new(image.Id, 1, Right, 0.9), new(image.Id, 1, Nothing, 0.4)];
            builder.Offer(image, FrameOf(image), [(Gray(0.1f), less), (Gray(0.8f), more)]);
            dim.AddRange(less);
            bright.AddRange(more);
        }
        RivalFigures Figures(string name, List<CocoDetection> found) => new(name, "eye", CocoEvaluator.Evaluate(dataset, found), []);
        return new Report
        {
            Title = $"Night of {person}",
            Facts = [KeyValuePair.Create("detector", "eye")],
            Training = new TrainingCurves(
                [.. Enumerable.Range(1, 40).Select(i => new TrainingStep(i, 1e-3, 1.0 / i, 0, 0.5 / i, i == 7 ? null : 0.5 / i, 0))],
                [new TrainingEpoch(1, 0.1, 0.2, 0.3), new TrainingEpoch(2, 0.2, 0.3, 0.4)]),
            Evaluations = [new EvaluationSection("four", [Figures(isp, dim), Figures("bright", bright)], builder.Build())],
        };
    }

    public static CocoDataset Dataset(string person = "person", int images = 4)
    {
        CocoImage[] all = [.. Enumerable.Range(1, images).Select(i => new CocoImage($"{i}", $"{i}.png", (Width, Height)))];
        return new CocoDataset(
            "four.json", all,
            [
                .. all.SelectMany((image, i) => new[]
                {
                    new CocoAnnotation(2 * i + 1, image.Id, 1, Left, 240), new CocoAnnotation(2 * i + 2, image.Id, 1, Right, 240),
                }),
            ],
            [new Category(1, person)]);
    }

    public static AnnotationFrame FrameOf(CocoImage image) => AnnotationFrame.In(Gray(0), image.Id, image);

    public static RgbImage Gray(float value) => new([.. Enumerable.Repeat(value, 3 * Width * Height)], new Frame(Width, Height));
}
