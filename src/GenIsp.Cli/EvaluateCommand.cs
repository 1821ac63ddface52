using System.CommandLine;
using System.CommandLine.Parsing;
using GenIsp.Data;
using GenIsp.Evaluation;
using GenIsp.Reporting;
using GenIsp.Training;

namespace GenIsp.Cli;

internal static class EvaluateCommand
{
    private const string ReportName = "report.html";

    public static Command Create(Terminal terminal)
    {
        var annotations = new Option<string>("--annotations") { Description = "COCO annotation file", Required = true, HelpName = "FILE" };
        var detections = new Option<string?>("--detections")
        {
            Description = "COCO results file: [{image_id, category_id, bbox, score}]",
            HelpName = "FILE",
        };
        var images = new Option<string[]>("--images")
        {
            Description = "Folders with the annotations' RAW files, mosaics or photos, to develop and detect in",
            AllowMultipleArgumentsPerToken = true,
            HelpName = "DIR",
        };
        var detectors = new Option<string[]>("--detector", "-d")
        {
            Description = "An .onnx file (YOLOX, NanoDet-Plus), torchvision's RetinaNet as .pth or .safetensors, or the name of downloaded "
                + "weights; several are compared",
            AllowMultipleArgumentsPerToken = true,
            HelpName = "FILE|NAME",
        }.Distinct();
        var score = NumberOption.Create(
            "--score", "Leave out what scores below this, 0..1", "SCORE", Validation.LowestScore, score => score is >= 0 and <= 1,
            "from 0 to 1");
        var output = new Option<string?>("--output", "-o")
        {
            Description = "Folder for report.html with tables, curves and pictures, the figures as results.json, and the detections as "
                + "COCO results files",
            HelpName = "DIR",
        };
        var classes = new Option<string?>("--classes")
        {
            Description = "Measure these classes only, such as person,bicycle,car",
            HelpName = "NAMES",
        };
        var cacheSize = CacheOption.Create();
        var json = new Option<bool>("--json") { Description = "Print one JSON document" };
        var development = new DevelopmentOptions(severalIsps: true);
        var command = new Command(
            "evaluate",
            "Measures detections as COCO does: its twelve figures, and AP by class. The detections are those of a file, or are made here: "
            + "of every image, developed by every ISP, with every detector. Where boxes are flagged extreme, as RAW-NOD's are, "
            + "the extreme and the others are measured apart, too: boxes of the other kind are then ignored, as crowds are. Tables and the "
            + "report are in percent, JSON is 0..1.")
        {
            annotations, detections, images, detectors, score, output, classes, cacheSize, json,
        }.WithExamples(
            "genisp evaluate --images night/images --annotations night/annotations.json --detector yolox_nano.onnx "
            + "--isp linear --isp classical",
            "genisp evaluate --annotations instances_val2017.json --detections results.json",
            "genisp evaluate --annotations test.json --detections results.json --classes person,bicycle,car --json");
        development.AddTo(command);
        command.Validators.Add(result => CheckUsage(result, detections, images, detectors, [score, output, cacheSize, .. development.All]));
        command.Action = new SharedAction(terminal, (parsed, terminal, world, cancellation) =>
        {
            var dataset = CocoDataset.Read(parsed.GetValue(annotations)!);
            Check(terminal, dataset);
            var options = new CocoEvaluationOptions
            {
                Classes = parsed.GetValue(classes)?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
            };
            IReadOnlyList<Evaluation> evaluations;
            if (parsed.GetValue(detections) is { } file)
            {
                evaluations = [Evaluation.Of(dataset, CocoResultsFile.Read(file), options)];
            }
            else
            {
                var folder = parsed.GetValue(output);
                var named = (Images: parsed.GetValue(images)!, Detectors: parsed.GetValue(detectors)!);
                var files = AnnotatedFile.FindAll(dataset, named.Images);
                SharedAction.ShareCores(terminal, world);
                using var rivals = Rivals.Load(terminal, dataset, development.LoadAll(parsed), named.Detectors, development.Device(parsed));
                if (folder is not null && world.IsFirst)
                {
                    OutputFolder.Prepare(
                        folder, [parsed.GetValue(annotations)!, .. named.Images, .. named.Detectors], [.. rivals.OutputNames, ReportName]);
                }
                var cache = CacheOption.Open(terminal, parsed.GetValue(cacheSize));
                var measurement = rivals.Measure(
                    terminal, files, (float)parsed.GetValue(score), options, folder, cancellation, world, cache);
                CacheOption.SayUse(terminal, world, cache);
                // Another process has the figures.
                if (measurement is null)
                    return CommandLine.Done;
                if (folder is not null)
                    WriteReport(terminal, folder, dataset, measurement);
                evaluations = measurement.Evaluations;
            }
            if (parsed.GetValue(json))
                Json.Print(terminal, Evaluation.ToJson(evaluations));
            else
                MetricsTable.Print(terminal, evaluations);
            return CommandLine.Done;
        });
        return command;
    }

    private static void WriteReport(Terminal terminal, string folder, CocoDataset dataset, Measurement measurement)
    {
        var path = Path.Combine(folder, ReportName);
        var evaluations = measurement.Evaluations;
        ReportFile.Write(path, new Report
        {
            Title = $"Evaluation on {Path.GetFileName(dataset.Source)}",
            Facts =
            [
                KeyValuePair.Create("annotations", dataset.Source),
                KeyValuePair.Create("ISPs", string.Join(", ", evaluations.Select(one => one.Isp).Distinct())),
                KeyValuePair.Create("detectors", string.Join(", ", evaluations.Select(one => one.Detector).Distinct())),
            ],
            // In a run's folder this page takes the place of the run's own.
            Training = TrainingCurves.ReadIfThere(folder),
            Evaluations = [measurement.ToSection(Path.GetFileName(dataset.Source))],
        });
        terminal.Say($"{path}: tables, curves and pictures to look at in a browser");
    }

    private static void CheckUsage(
        CommandResult result, Option detections, Option images, Option detectors, IReadOnlyList<Option> onlyWithImages)
    {
        bool IsGiven(Option option) => result.GetResult(option) is { Implicit: false };
        if (IsGiven(detections) == IsGiven(images))
        {
            result.AddError(IsGiven(images)
                ? "--detections and --images exclude each other: detections are of a file, or are made of images."
                : "Give --detections FILE to measure what is there, or --images DIR and --detector FILE to detect first.");
        }
        else if (IsGiven(images) && !IsGiven(detectors))
        {
            result.AddError("--images needs --detector.");
        }
        else if (IsGiven(detections))
        {
            foreach (var option in onlyWithImages.Prepend(detectors).Where(IsGiven))
                result.AddError($"{option.Name} is for --images, not for --detections.");
        }
    }

    private static void Check(Terminal terminal, CocoDataset dataset)
    {
        if (dataset.Annotations.Count + dataset.Degenerate.Count == 0)
            throw new GenIspException($"{dataset.Source} holds no boxes, so there is nothing to measure: \"annotations\" is empty.");
        if (dataset.Degenerate.Count > 0)
        {
            terminal.Say(
                $"genisp: {dataset.Source}: {dataset.Degenerate.Count} boxes enclose nothing, the first is annotation "
                + $"{dataset.Degenerate[0].Id}; they count as missed, as in pycocotools");
        }
        if (dataset.Annotations.Any(annotation => annotation.Id == 0))
        {
            terminal.Say(
                $"genisp: {dataset.Source}: the annotation with the id 0 can't be matched, as in pycocotools, where 0 means no match");
        }
    }
}
