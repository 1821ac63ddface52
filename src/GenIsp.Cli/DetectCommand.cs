using System.CommandLine;
using System.Globalization;
using GenIsp.Data;
using GenIsp.Detection;
using GenIsp.Evaluation;
using GenIsp.Imaging;
using TorchSharp;

namespace GenIsp.Cli;

internal static class DetectCommand
{
    private const string ResultsName = "detections.json";

    public static Command Create(Terminal terminal)
    {
        var inputs = InputArgument.Create("INPUT", "RAW files, mosaics with a sidecar, photos, or folders");
        var output = new Option<string>("--output", "-o")
        {
            Description = "Folder for the pictures with boxes and detections.json (COCO results)",
            Required = true,
            HelpName = "DIR",
        };
        var detector = new Option<string>("--detector", "-d")
        {
            Description = "An .onnx file (YOLOX, NanoDet-Plus), torchvision's RetinaNet as .pth or .safetensors, or the name of downloaded "
                + "weights",
            Required = true,
            HelpName = "FILE|NAME",
        };
        var convention = Choice.Optional(
            "--convention", "How the ONNX file's output is to be read, if it can't be told from the file",
            ("yolox", DetectorConvention.Yolox), ("nanodet", DetectorConvention.NanoDet));
        var score = NumberOption.Create(
            "--score", "Leave out what scores below this, 0..1", "SCORE", 0.3, score => score is >= 0 and <= 1, "from 0 to 1");
        var precision = PrecisionOption.ToDetect();
        var json = new Option<bool>("--json") { Description = "Print the detections as one JSON document" };
        var development = new DevelopmentOptions();
        var command = new Command(
            "detect",
            "Develops RAW photos and finds the objects in them.")
            { inputs, output, detector, convention, score, precision, json }.WithExamples(
                "genisp detect photo.arw --detector yolox_nano.onnx -o out",
                "genisp detect photos/ --detector retinanet_resnet50_fpn_v2_coco-5905b1c5.pth --isp genisp.safetensors -o out --json");
        development.AddTo(command);
        command.Action = new SharedAction(terminal, (parsed, terminal, world, cancellation) =>
        {
            SharedAction.ShareCores(terminal, world);
            var folder = parsed.GetValue(output)!;
            var files = Inputs.Named(parsed.GetValue(inputs)!);
            CheckIds(files);
            var clock = new StageClock();
            using var developer = development.Load(parsed);
            using var loaded = clock.Measure(
                "load", () => DetectorFile.Load(
                    parsed.GetValue(detector)!, parsed.GetValue(convention) ?? DetectorConvention.Auto,
                    parsed.GetValue(precision) ?? DetectorPrecision.Float32, development.Device(parsed)));
            OutputFolder.Prepare(folder, parsed.GetValue(inputs)!, files.Select(file => file.OutputStem + ".png").Append(ResultsName));
            var threshold = (float)parsed.GetValue(score);
            var found = new Dictionary<InputFile, ImageDetections>();
            var code = Batch.Run(
                terminal, files,
                file =>
                {
                    var picture = developer.Develop(file.Path, clock);
                    var detections = clock.Measure("detector", () => Detect(loaded, picture, threshold));
                    clock.Finish("write", () => BoxPainter.WritePng(
                        Path.Combine(folder, file.OutputStem + ".png"), picture,
                        detections.Reverse().Select(detection => new LabelledBox(detection.Box, Label(detection), detection.Category.Id))));
                    found[file] = ImageDetections.Of(file, picture, detections);
                },
                cancellation, world: world);
            // A file that failed has none.
            var all = files.Zip(world.Merge(world.Share(files).Select(found.GetValueOrDefault).ToList())).ToList();
            var images = all.Select(pair => pair.Second).OfType<ImageDetections>().ToList();
            // Where all failed, an empty file would say that nothing was found.
            if (world.IsFirst && images.Count > 0)
            {
                SayOldPictures(terminal, folder, files);
                CocoResultsFile.Write(Path.Combine(folder, ResultsName), all.SelectMany(pair => pair.Second?.ToCoco(pair.First) ?? []));
            }
            if (parsed.GetValue(json))
                Json.Print(terminal, new { Images = images });
            else
                Print(terminal, images);
            clock.Say(terminal, world, folder);
            developer.SayChoices(terminal, world);
            return code;
        });
        return command;
    }

    /// <summary>The objects in a picture, in its pixels.</summary>
    public static IReadOnlyList<Detection.Detection> Detect(Detector detector, RgbImage picture, float score)
    {
        using var scope = torch.NewDisposeScope();
        using var quiet = torch.no_grad();
        var tensor = torch.tensor(picture.Pixels.ToArray(), [3, picture.Height, picture.Width], dtype: torch.ScalarType.Float32);
        return detector.Detect([tensor], score)[0];
    }

    // The results of an earlier run are replaced, but its pictures stay.
    private static void SayOldPictures(Terminal terminal, string folder, IReadOnlyList<InputFile> files)
    {
        if (!File.Exists(Path.Combine(folder, ResultsName)))
            return;
        var names = files.Select(file => file.OutputStem + ".png").ToHashSet(StringComparer.Ordinal);
        var old = Directory.EnumerateFiles(folder, "*.png").Count(path => !names.Contains(Path.GetFileName(path)));
        terminal.Say($"{folder}: {ResultsName} is replaced" + (old > 0
            ? $", and no longer of all pictures there: {old} {(old == 1 ? "is" : "are")} of an earlier run"
            : ""));
    }

    private static string Label(Detection.Detection detection) =>
        string.Create(CultureInfo.InvariantCulture, $"{detection.Category.Name} {detection.Score:0.00}");

    // A results file could not tell 139.jpg and 000139.jpg apart.
    private static void CheckIds(IEnumerable<InputFile> files)
    {
        foreach (var same in files.GroupBy(ImageDetections.IdOf).Where(group => group.Count() > 1))
        {
            throw new GenIspException(
                $"{string.Join(" and ", same.Select(file => file.Path))} would both have the image id {same.Key}. Run them apart.");
        }
    }

    private static void Print(Terminal terminal, IEnumerable<ImageDetections> images)
    {
        foreach (var image in images)
        {
            terminal.Out.WriteLine($"{image.File} ({image.Width} × {image.Height}): {image.Detections.Count} found");
            foreach (var (box, category, _, score) in image.Detections)
            {
                var corner = string.Join(", ", box.Select(value => value.ToString("0", CultureInfo.InvariantCulture)));
                terminal.Out.WriteLine(FormattableString.Invariant($"  {score:0.00}  {Terminal.Printable(category),-14} [{corner}]"));
            }
        }
    }
}

/// <summary>What was found in one input; boxes are [x, y, width, height] in its full-resolution frame, upright.</summary>
internal sealed record ImageDetections(string File, int Width, int Height, IReadOnlyList<FoundObject> Detections)
{
    public static ImageDetections Of(InputFile file, RgbImage picture, IReadOnlyList<Detection.Detection> detections)
    {
        var (width, height) = picture.Frame.SourceSize;
        return new(file.Path, width, height, [.. detections.Select(detection =>
        {
            var box = picture.Frame.ToSource(detection.Box).ClipTo(width, height);
            return new FoundObject(
                [Round(box.X1), Round(box.Y1), Round(box.Width), Round(box.Height)],
                detection.Category.Name, detection.Category.Id, Math.Round(detection.Score, 5));
        })]);
    }

    /// <summary>COCO names its files by number, RAW-NOD by a text: either is the image's id.</summary>
    public static string IdOf(InputFile file) =>
        long.TryParse(file.OutputStem, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number.ToString(CultureInfo.InvariantCulture)
            : file.OutputStem;

    public IEnumerable<CocoDetection> ToCoco(InputFile file) => Detections.Select(found => new CocoDetection(
        IdOf(file), found.CategoryId, new CocoBox(found.Bbox[0], found.Bbox[1], found.Bbox[2], found.Bbox[3]), found.Score));

    // A hundredth of a sensor pixel is finer than any detector.
    private static double Round(float value) => Math.Round(value, 2);
}

/// <summary>One object.</summary>
internal sealed record FoundObject(double[] Bbox, string Category, int CategoryId, double Score);
