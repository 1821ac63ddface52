using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using GenIsp.Detection;
using GenIsp.Imaging;
using TorchSharp;

namespace GenIsp.Cli;

internal static class DetectCommand
{
    public static Command Create(Terminal terminal)
    {
        var inputs = new Argument<string[]>("INPUT")
        {
            Description = "RAW files, mosaics with a sidecar, photos, or folders",
            Arity = ArgumentArity.OneOrMore,
        };
        var output = new Option<string>("--output", "-o")
        {
            Description = "Folder for the pictures with boxes and detections.json (COCO results)",
            Required = true,
            HelpName = "DIR",
        };
        var detector = new Option<string>("--detector", "-d")
        {
            Description = "An .onnx file (YOLOX, NanoDet-Plus), or torchvision's RetinaNet as .pth or .safetensors",
            Required = true,
            HelpName = "FILE",
        };
        var convention = Choice.Optional(
            "--convention", "How the ONNX file's output is to be read, if it can't be told from the file",
            ("yolox", DetectorConvention.Yolox), ("nanodet", DetectorConvention.NanoDet));
        var score = new Option<float>("--score")
        {
            Description = "Leave out what scores below this, 0..1",
            DefaultValueFactory = _ => 0.3f,
            HelpName = "SCORE",
        };
        var json = new Option<bool>("--json") { Description = "Print the detections as one JSON document" };
        var development = new DevelopmentOptions();
        var command = new Command(
            "detect",
            "Develops RAW photos and finds the objects in them.") { inputs, output, detector, convention, score, json }.WithExamples(
                "genisp detect photo.arw --detector yolox_nano.onnx -o out",
                "genisp detect photos/ --detector retinanet_resnet50_fpn_v2_coco-5905b1c5.pth --isp run/best.safetensors -o out --json");
        development.AddTo(command);
        score.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && result.GetValueOrDefault<float>() is not (>= 0 and <= 1))
                result.AddError("--score must be from 0 to 1.");
        });
        command.SetAction((parsed, cancellation) =>
        {
            var folder = parsed.GetValue(output)!;
            var files = Inputs.Expand(parsed.GetValue(inputs)!);
            var clock = new StageClock();
            using var developer = development.Load(parsed);
            using var loaded = clock.Measure(
                "load", () => DetectorFile.Load(parsed.GetValue(detector)!, parsed.GetValue(convention) ?? DetectorConvention.Auto));
            Batch.Prepare(folder);
            var found = new List<ImageDetections>();
            var code = Batch.Run(
                terminal, files,
                file =>
                {
                    var picture = developer.Develop(file.Path, clock);
                    var detections = clock.Measure("detector", () => Detect(loaded, picture, parsed.GetValue(score)));
                    clock.Measure("write", () => BoxPainter.WritePng(
                        Path.Combine(folder, file.OutputStem + ".png"), picture,
                        detections.Reverse().Select(detection => new LabelledBox(detection.Box, Label(detection), detection.Category.Id))));
                    found.Add(ImageDetections.Of(file.Path, picture, detections));
                },
                cancellation);
            CocoResults.Write(Path.Combine(folder, "detections.json"), found);
            if (parsed.GetValue(json))
                Json.Print(terminal, new { Images = found });
            else
                Print(terminal, found);
            terminal.Say($"{folder}: {clock}");
            return Task.FromResult(code);
        });
        return command;
    }

    private static IReadOnlyList<Detection.Detection> Detect(Detector detector, RgbImage picture, float score)
    {
        using var scope = torch.NewDisposeScope();
        using var quiet = torch.no_grad();
        var tensor = torch.tensor(picture.Pixels.ToArray(), [3, picture.Height, picture.Width], dtype: torch.ScalarType.Float32);
        return detector.Detect([tensor], score)[0];
    }

    private static string Label(Detection.Detection detection) =>
        string.Create(CultureInfo.InvariantCulture, $"{detection.Category.Name} {detection.Score:0.00}");

    private static void Print(Terminal terminal, IEnumerable<ImageDetections> images)
    {
        foreach (var image in images)
        {
            terminal.Out.WriteLine($"{image.File} ({image.Width} × {image.Height}): {image.Detections.Count} found");
            foreach (var (box, category, _, score) in image.Detections)
            {
                var corner = string.Join(", ", box.Select(value => value.ToString("0", CultureInfo.InvariantCulture)));
                terminal.Out.WriteLine(FormattableString.Invariant($"  {score:0.00}  {category,-14} [{corner}]"));
            }
        }
    }
}

/// <summary>What was found in one input; boxes are [x, y, width, height] in its full-resolution frame, upright.</summary>
internal sealed record ImageDetections(string File, int Width, int Height, IReadOnlyList<FoundObject> Detections)
{
    public static ImageDetections Of(string file, RgbImage picture, IReadOnlyList<Detection.Detection> detections)
    {
        var (width, height) = picture.Frame.SourceSize;
        return new(file, width, height, [.. detections.Select(detection =>
        {
            var box = picture.Frame.ToSource(detection.Box).ClipTo(width, height);
            return new FoundObject(
                [Round(box.X1), Round(box.Y1), Round(box.Width), Round(box.Height)],
                detection.Category.Name, detection.Category.Id, Math.Round(detection.Score, 5));
        })]);
    }

    // A hundredth of a sensor pixel is finer than any detector.
    private static double Round(float value) => Math.Round(value, 2);
}

/// <summary>One object.</summary>
internal sealed record FoundObject(double[] Bbox, string Category, int CategoryId, double Score);

/// <summary>COCO's results format: what pycocotools' <c>loadRes</c> reads.</summary>
internal static class CocoResults
{
    public static void Write(string path, IEnumerable<ImageDetections> images) => AtomicFile.Write(path, stream => JsonSerializer.Serialize(
        stream,
        images.SelectMany(image => image.Detections.Select(found => new
        {
            ImageId = ImageId(image.File),
            found.CategoryId,
            found.Bbox,
            found.Score,
        })),
        Json.Options));

    // COCO names its files by number, RAW-NOD by a text that is the id.
    private static object ImageId(string file)
    {
        var stem = Path.GetFileNameWithoutExtension(file);
        return long.TryParse(stem, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : stem;
    }
}
