using System.Text.Json;
using GenIsp.Data;
using GenIsp.Detection;
using GenIsp.Evaluation;

namespace GenIsp.Tests.Evaluation;

/// <summary>Made-up data sets beside the figures of tests/reference/coco_eval.py.</summary>
public sealed class CocoReferenceTests
{
    public static TheoryData<int> Cases { get; } = [.. Enumerable.Range(0, Fixture.RootElement.GetArrayLength())];

    private static JsonDocument Fixture => JsonDocument.Parse(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Fixtures", "coco_eval.json")));

    [Theory]
    [MemberData(nameof(Cases))]
    public void Figures_equal_the_references(int index)
    {
        var expected = Fixture.RootElement[index];
        int Of(string key) => expected.GetProperty(key).GetInt32();
        var (dataset, detections) = Make(
            Of("seed"), Of("images"), Of("classes"), Of("boxes"), Of("strays"), Of("grades"), Of("first_id"));
        (dataset.Annotations.Count, detections.Count).ShouldBe((Of("boxes_made"), Of("detections_made")));

        var figures = CocoEvaluator.Evaluate(dataset, detections).ToJson();

        foreach (var figure in expected.GetProperty("figures").EnumerateObject())
        {
            if (figure.Name == "per_class")
            {
                figures["per_class"]!.AsObject().Count.ShouldBe(figure.Value.EnumerateObject().Count());
                foreach (var category in figure.Value.EnumerateObject())
                    Compare(figures["per_class"]![category.Name]!.GetValue<double>(), category.Value.GetDouble());
            }
            else
            {
                Compare(figures[figure.Name]!.GetValue<double>(), figure.Value.GetDouble());
            }
        }

        // Sums in another order differ by rounding only.
        static void Compare(double actual, double expected) => actual.ShouldBe(expected, 1e-12);
    }

    // As make() in the script.
    private static (CocoDataset Dataset, List<CocoDetection> Detections) Make(
        int seed, int images, int classes, int boxes, int strays, int grades, int firstId)
    {
        var state = seed;
        int Roll(int sides)
        {
            state = (int)((state * 1103515245L + 12345) & 0x7FFFFFFF);
            return (state >> 8) % sides;
        }
        double Grade() => (double)Roll(grades) / grades;
        var (truths, found) = (new List<CocoAnnotation>(), new List<CocoDetection>());
        string[] ids = [.. Enumerable.Range(0, images).Select(i => $"{i * 7919 % 10007}")];
        foreach (var image in ids)
        {
            for (var left = Roll(5) == 0 ? 0 : Roll(boxes + 1); left > 0; left--)
            {
                int[] sizes = [24, 90, 300];
                var size = sizes[Roll(3)];
                int x = Roll(400), y = Roll(300), width = 1 + Roll(size), height = 1 + Roll(size);
                var category = 2 + 3 * Roll(classes);
                truths.Add(new CocoAnnotation(
                    firstId + truths.Count, image, category, new CocoBox(x, y, width, height), width * height * (50 + Roll(51)) / 100.0,
                    Roll(7) == 0));
                for (var near = Roll(3); near > 0; near--)
                {
                    var jitter = 1 + size / 12;
                    found.Add(new CocoDetection(
                        image, category + (Roll(9) == 0 ? 3 : 0),
                        new CocoBox(
                            x + (Roll(2 * jitter) - jitter) / 2.0, y + (Roll(2 * jitter) - jitter) / 2.0,
                            width + Roll(jitter) / 2.0, height + Roll(jitter) / 2.0),
                        Grade()));
                }
            }
            for (var stray = Roll(strays + 1); stray > 0; stray--)
            {
                found.Add(new CocoDetection(
                    image, 2 + 3 * Roll(classes + 1), new CocoBox(Roll(400), Roll(300), 1 + Roll(200), 1 + Roll(200)), Grade()));
            }
        }
        var dataset = new CocoDataset(
            "made", [.. ids.OrderBy(int.Parse).Select(id => new CocoImage(id, null, (640, 480)))], truths,
            [.. Enumerable.Range(0, classes + 2).Select(k => new Category(2 + 3 * k, $"class {2 + 3 * k}"))]);
        return (dataset, found);
    }
}
