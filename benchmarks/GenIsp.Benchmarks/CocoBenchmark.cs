using GenIsp.Data;
using GenIsp.Detection;
using GenIsp.Evaluation;

namespace GenIsp.Benchmarks;

/// <summary>
/// COCO's evaluation of 5,000 images with 7 boxes and 100 detections each, of 80 classes and of one. Its peer, pycocotools, is no .NET
/// library, so it is timed beside this by hand.
/// </summary>
internal static class CocoBenchmark
{
    private const int Images = 5000;

    public static void Run()
    {
        foreach (var classes in new[] { 80, 1 })
        {
            var (dataset, detections) = Make(classes);
            var (time, _) = Comparison.Run(() => CocoEvaluator.Evaluate(dataset, detections), () => { }, warmUps: 2, runs: 9);
            Console.WriteLine($"coco: {Images} images, {detections.Count} detections, {classes,2} classes  {time}");
        }
    }

    private static (CocoDataset Dataset, List<CocoDetection> Detections) Make(int classes)
    {
        var random = new Random(1);
        var (truths, found) = (new List<CocoAnnotation>(), new List<CocoDetection>());
        // As in COCO, the first classes have most of the objects.
        int Category() => 1 + (int)(classes * Math.Pow(random.NextDouble(), 2));
        double Upto(double end) => end * random.NextDouble();
        for (var i = 1; i <= Images; i++)
        {
            var image = $"{i}";
            for (var n = 0; n < 7; n++)
            {
                var size = new[] { 30, 100, 300 }[random.Next(3)];
                var box = new CocoBox(Upto(500), Upto(400), 1 + Upto(size), 1 + Upto(size));
                var category = Category();
                truths.Add(new CocoAnnotation(truths.Count + 1, image, category, box, 0.7 * box.Width * box.Height, random.Next(100) == 0));
                for (var near = 0; near < 3; near++)
                {
                    var close = new CocoBox(
                        box.X + (Upto(0.2) - 0.1) * box.Width, box.Y + (Upto(0.2) - 0.1) * box.Height,
                        box.Width * (0.9 + Upto(0.2)), box.Height * (0.9 + Upto(0.2)));
                    found.Add(new CocoDetection(image, category, close, random.NextDouble()));
                }
            }
            while (found.Count < 100 * i)
                found.Add(new CocoDetection(image, Category(), new CocoBox(Upto(500), Upto(400), 1 + Upto(200), 1 + Upto(200)), Upto(0.5)));
        }
        var dataset = new CocoDataset(
            "made", [.. Enumerable.Range(1, Images).Select(i => new CocoImage($"{i}", null, (640, 480)))], truths,
            [.. Enumerable.Range(1, classes).Select(id => new Category(id, $"class {id}"))]);
        return (dataset, found);
    }
}
