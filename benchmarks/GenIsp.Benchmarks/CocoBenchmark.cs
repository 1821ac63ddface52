using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using GenIsp.Data;
using GenIsp.Evaluation;

namespace GenIsp.Benchmarks;

/// <summary>
/// COCO's evaluation of 5,000 images with 7 boxes and 100 detections each beside pycocotools, in turns, of 80 classes and of one: of what
/// has been read, and with reading the files. The twelve figures must be the same.
/// </summary>
internal static class CocoBenchmark
{
    private const int Images = 5000, WarmUps = 3, Rounds = 3;

    // Both sum doubles, in another order.
    private const double Tolerance = 1e-9;

    public static void Run()
    {
        Console.WriteLine($"coco: {Images} images with 100 detections each on {BenchmarkFile.Processor}");
        using var peer = PythonPeer.Start("coco_peer.py", "version", "pycocotools", "pip install pycocotools");
        var folder = Directory.CreateTempSubdirectory("genisp-bench-").FullName;
        try
        {
            BenchmarkFile.Write("coco", new[] { Compare(80, peer, folder), Compare(1, peer, folder) });
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static object Compare(int classes, PythonPeer? peer, string folder)
    {
        var (annotations, detections) = (Path.Combine(folder, "annotations.json"), Path.Combine(folder, "detections.json"));
        Write(classes, annotations, detections);
        List<Evaluation> ours = [], theirs = [];
        for (var round = -WarmUps; round < Rounds; round++)
        {
            var mine = Evaluate(annotations, detections);
            if (round < 0)
                continue;
            ours.Add(mine);
            if (peer is not null)
                theirs.Add(Parse(peer.Ask(folder)));
        }
        double? difference = peer is null
            ? null
            : ours.Zip(theirs, (a, b) => a.Figures.Zip(b.Figures, (x, y) => Math.Abs(x - y)).Max()).Max();
        if (difference > Tolerance)
            throw new InvalidOperationException($"With {classes} classes a figure is {difference} away from pycocotools'.");

        object Report(string what, Func<Evaluation, double> time)
        {
            List<double> mine = ours.ConvertAll(run => time(run)), peers = theirs.ConvertAll(run => time(run));
            var (timing, ratio) = peer is null ? ((Timing?)null, (Ratio?)null) : (Timing.Of(peers), Ratio.Of(peers, mine));
            Console.WriteLine(
                $"       {classes,2} classes, {what} {Timing.Of(mine)}" + (peer is null ? "" : $"; pycocotools {timing}, ratio {ratio}"));
            return new { genIsp = Timing.Of(mine), pycocotools = timing, ratio };
        }
        var (evaluating, withReading) = (Report("evaluating", run => run.Milliseconds), Report("with reading", run => run.WithReading));
        var version = peer?.Ask("version");
        if (version is not null)
            Console.WriteLine($"       from those of pycocotools {version} no figure differs by more than {difference:0.0e+0}");
        return new { classes, evaluating, withReading, difference, pycocotools = version };
    }

    private static Evaluation Evaluate(string annotations, string detections)
    {
        var clock = Stopwatch.StartNew();
        var dataset = CocoDataset.Read(annotations);
        var found = CocoResultsFile.Read(detections);
        var reading = clock.Elapsed.TotalMilliseconds;
        clock.Restart();
        var m = CocoEvaluator.Evaluate(dataset, found);
        var evaluating = clock.Elapsed.TotalMilliseconds;
        return new(
            reading, evaluating,
            [m.AP, m.AP50, m.AP75, m.APSmall, m.APMedium, m.APLarge, m.AR1, m.AR10, m.AR100, m.ARSmall, m.ARMedium, m.ARLarge]);
    }

    // The peer's answer.
    private static Evaluation Parse(string line)
    {
        double[] numbers = [.. line.Split(' ').Select(word => double.Parse(word, CultureInfo.InvariantCulture))];
        return new(numbers[0], numbers[1], numbers[2..]);
    }

    private static void Write(int classes, string annotations, string detections)
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
        CocoResultsFile.Write(detections, found);
        using var file = File.Create(annotations);
        JsonSerializer.Serialize(file, new
        {
            info = new { },
            images = Enumerable.Range(1, Images).Select(id => new { id, width = 640, height = 480, file_name = $"{id}.jpg" }),
            annotations = truths.Select(truth => new
            {
                id = truth.Id,
                image_id = int.Parse(truth.ImageId, CultureInfo.InvariantCulture),
                category_id = truth.CategoryId,
                bbox = new[] { truth.Box.X, truth.Box.Y, truth.Box.Width, truth.Box.Height },
                area = truth.Area,
                iscrowd = truth.IsCrowd ? 1 : 0,
            }),
            categories = Enumerable.Range(1, classes).Select(id => new { id, name = $"class {id}" }),
        });
    }

    /// <summary>Milliseconds of reading and evaluating, and COCO's twelve figures in its order.</summary>
    private sealed record Evaluation(double Reading, double Milliseconds, double[] Figures)
    {
        public double WithReading => Reading + Milliseconds;
    }
}
