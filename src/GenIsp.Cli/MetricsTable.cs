using System.Globalization;
using GenIsp.Evaluation;

namespace GenIsp.Cli;

/// <summary>COCO's figures for people.</summary>
internal static class MetricsTable
{
    public static void Print(Terminal terminal, Evaluation evaluation)
    {
        List<(string Name, CocoMetrics Metrics)> columns = [("all", evaluation.All)];
        if (evaluation is { Extreme: { } extreme, NonExtreme: { } nonExtreme })
            columns.AddRange([("extreme", extreme), ("non-extreme", nonExtreme)]);

        void Row(string name, Func<CocoMetrics, string> value) => terminal.Out.WriteLine(
            $"{name,-56}{string.Concat(columns.Select(column => $"{value(column.Metrics),13}"))}".TrimEnd());
        void Figure(string name, string iou, string area, int most, Func<CocoMetrics, double> figure) =>
            Row($"{name,-17} @ IoU {iou,-9}  area {area,-6}  detections {most,3}", metrics => Number(figure(metrics)));

        if (columns.Count > 1)
            terminal.Out.WriteLine($"{"",-56}{string.Concat(columns.Select(column => $"{column.Name,13}"))}");
        Row("images", metrics => $"{metrics.Images}");
        Row("boxes", metrics => $"{metrics.Boxes}");
        Figure("Average precision", "0.50:0.95", "all", 100, metrics => metrics.AP);
        Figure("Average precision", "0.50", "all", 100, metrics => metrics.AP50);
        Figure("Average precision", "0.75", "all", 100, metrics => metrics.AP75);
        Figure("Average precision", "0.50:0.95", "small", 100, metrics => metrics.APSmall);
        Figure("Average precision", "0.50:0.95", "medium", 100, metrics => metrics.APMedium);
        Figure("Average precision", "0.50:0.95", "large", 100, metrics => metrics.APLarge);
        Figure("Average recall", "0.50:0.95", "all", 1, metrics => metrics.AR1);
        Figure("Average recall", "0.50:0.95", "all", 10, metrics => metrics.AR10);
        Figure("Average recall", "0.50:0.95", "all", 100, metrics => metrics.AR100);
        Figure("Average recall", "0.50:0.95", "small", 100, metrics => metrics.ARSmall);
        Figure("Average recall", "0.50:0.95", "medium", 100, metrics => metrics.ARMedium);
        Figure("Average recall", "0.50:0.95", "large", 100, metrics => metrics.ARLarge);
        foreach (var name in evaluation.All.PerClass.Keys.Where(name => evaluation.All.PerClass[name] >= 0))
            Row($"AP of {name}", metrics => Number(metrics.PerClass[name]));
        terminal.Out.WriteLine("Areas are counted in the annotations' frame: small is at most 32², large at least 96² of its pixels.");
    }

    // −1: there was nothing to find.
    private static string Number(double value) => value < 0 ? "–" : value.ToString("0.000", CultureInfo.InvariantCulture);
}
