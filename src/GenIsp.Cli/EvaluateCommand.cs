using System.CommandLine;
using System.Text.Json.Nodes;
using GenIsp.Data;
using GenIsp.Evaluation;

namespace GenIsp.Cli;

internal static class EvaluateCommand
{
    public static Command Create(Terminal terminal)
    {
        var annotations = new Option<string>("--annotations") { Description = "COCO annotation file", Required = true, HelpName = "FILE" };
        var detections = new Option<string>("--detections")
        {
            Description = "COCO results file: [{image_id, category_id, bbox, score}]",
            Required = true,
            HelpName = "FILE",
        };
        var classes = new Option<string?>("--classes")
        {
            Description = "Measure these classes only, such as person,bicycle,car",
            HelpName = "NAMES",
        };
        var json = new Option<bool>("--json") { Description = "Print one JSON document" };
        var command = new Command(
            "evaluate",
            "Measures detections as COCO does: its twelve figures, and AP by class. Where boxes are flagged extreme, as RAW-NOD's are, "
            + "the extreme and the others are measured apart, too: boxes of the other kind are then ignored, as crowds are.")
        {
            annotations, detections, classes, json,
        }.WithExamples(
            "genisp evaluate --annotations instances_val2017.json --detections results.json",
            "genisp evaluate --annotations test.json --detections results.json --classes person,bicycle,car --json");
        command.SetAction(parsed =>
        {
            var dataset = CocoDataset.Read(parsed.GetValue(annotations)!);
            Warn(terminal, dataset);
            var found = CocoResultsFile.Read(parsed.GetValue(detections)!);
            var options = new CocoEvaluationOptions
            {
                Classes = parsed.GetValue(classes)?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
            };
            var evaluation = Evaluation.Of(dataset, found, options);
            if (parsed.GetValue(json))
                Json.Print(terminal, new JsonObject { ["results"] = new JsonArray(evaluation.ToJson(isp: null, detector: null)) });
            else
                MetricsTable.Print(terminal, evaluation);
            return CommandLine.Done;
        });
        return command;
    }

    private static void Warn(Terminal terminal, CocoDataset dataset)
    {
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

/// <summary>The figures of one ISP and detector: all boxes, and where they are flagged, the extreme and the others.</summary>
internal sealed record Evaluation(CocoMetrics All, CocoMetrics? Extreme, CocoMetrics? NonExtreme)
{
    public static Evaluation Of(CocoDataset dataset, IReadOnlyList<CocoDetection> detections, CocoEvaluationOptions options)
    {
        CocoMetrics? Flagged(bool extreme) => dataset.Annotations.Any(annotation => annotation.IsExtreme is not null)
            ? CocoEvaluator.Evaluate(dataset, detections, options with { Subset = annotation => annotation.IsExtreme == extreme })
            : null;
        return new Evaluation(CocoEvaluator.Evaluate(dataset, detections, options), Flagged(true), Flagged(false));
    }

    public JsonObject ToJson(string? isp, string? detector)
    {
        var result = new JsonObject { ["isp"] = isp, ["detector"] = detector };
        // A node has one parent: it leaves the old one before it gets a new one.
        var figures = All.ToJson();
        foreach (var (key, value) in figures.ToList())
        {
            figures.Remove(key);
            result[key] = value;
        }
        result["area_frame"] = "annotations";
        if (Extreme is not null)
            result["extreme"] = Extreme.ToJson();
        if (NonExtreme is not null)
            result["non_extreme"] = NonExtreme.ToJson();
        return result;
    }
}
