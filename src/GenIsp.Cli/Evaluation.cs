using System.Text.Json.Nodes;
using GenIsp.Data;
using GenIsp.Evaluation;
using GenIsp.Reporting;

namespace GenIsp.Cli;

/// <summary>The figures of one ISP and detector: all boxes, and where they are flagged, the extreme and the others.</summary>
/// <param name="Isp">Its name; null for detections of unknown origin.</param>
/// <param name="Detector">Its name; null likewise.</param>
/// <param name="All">Of all boxes.</param>
/// <param name="Extreme">Of those flagged, the others being ignored.</param>
/// <param name="NonExtreme">Of those not flagged, the others being ignored.</param>
internal sealed record Evaluation(string? Isp, string? Detector, CocoMetrics All, CocoMetrics? Extreme, CocoMetrics? NonExtreme)
{
    public static Evaluation Of(
        CocoDataset dataset, IReadOnlyList<CocoDetection> detections, CocoEvaluationOptions options,
        string? isp = null, string? detector = null)
    {
        CocoMetrics? Flagged(bool extreme) => dataset.Annotations.Any(annotation => annotation.IsExtreme is not null)
            ? CocoEvaluator.Evaluate(dataset, detections, options with { Subset = annotation => annotation.IsExtreme == extreme })
            : null;
        return new Evaluation(isp, detector, CocoEvaluator.Evaluate(dataset, detections, options), Flagged(true), Flagged(false));
    }

    /// <summary>For the report, which is of named ISPs and detectors.</summary>
    public RivalFigures ToFigures() => new(
        Isp!, Detector!, All,
        Extreme is null || NonExtreme is null
            ? []
            : [KeyValuePair.Create("extreme", Extreme), KeyValuePair.Create("non-extreme", NonExtreme)]);

    /// <summary>The document of several.</summary>
    public static JsonObject ToJson(IEnumerable<Evaluation> evaluations) =>
        new() { ["results"] = new JsonArray([.. evaluations.Select(evaluation => evaluation.ToJson())]) };

    private JsonObject ToJson()
    {
        var result = new JsonObject { ["isp"] = Isp, ["detector"] = Detector };
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
