using System.Globalization;
using GenIsp.Evaluation;

namespace GenIsp.Cli;

/// <summary>COCO's figures for people, in percent.</summary>
internal static class MetricsTable
{
    // More classes than these drown the figures above them.
    private const int MostClasses = 10;

    private const string Units =
        "In percent (in JSON 0..1). Areas are counted in the annotations' frame: small is at most 32², large at least 96² of its pixels.";

    /// <summary>All figures of one, or a comparison of several.</summary>
    public static void Print(Terminal terminal, IReadOnlyList<Evaluation> evaluations)
    {
        if (evaluations is [var only])
            PrintOne(terminal, only);
        else
            PrintComparison(terminal, evaluations);
        terminal.Out.WriteLine(Units);
    }

    private static void PrintComparison(Terminal terminal, IReadOnlyList<Evaluation> evaluations)
    {
        terminal.Out.WriteLine($"{evaluations[0].All.Images} images, {evaluations[0].All.Boxes} boxes");
        PrintRows(terminal, "all", evaluations, evaluation => evaluation.All);
        if (evaluations[0] is { Extreme: not null, NonExtreme: not null })
        {
            PrintRows(terminal, "extreme", evaluations, evaluation => evaluation.Extreme!);
            PrintRows(terminal, "non-extreme", evaluations, evaluation => evaluation.NonExtreme!);
        }
        foreach (var ofDetector in evaluations.GroupBy(evaluation => evaluation.Detector))
            PrintClasses(terminal, [.. ofDetector]);
    }

    // One row an ISP and detector; * marks each detector's best.
    private static void PrintRows(
        Terminal terminal, string boxes, IReadOnlyList<Evaluation> evaluations, Func<Evaluation, CocoMetrics> select)
    {
        var (isps, detectors) = (evaluations.Max(one => one.Isp!.Length), evaluations.Max(one => one.Detector!.Length));
        string[] names = ["AP", "AP50", "AP75", "APs", "APm", "APl", "AR100"];
        var title = $"{boxes} boxes, with";
        var width = Math.Max(isps + 2 + detectors, title.Length);
        terminal.Out.WriteLine();
        terminal.Out.WriteLine(title.PadRight(width) + string.Concat(names.Select(name => $"{name,8} ")).TrimEnd());
        foreach (var ofDetector in evaluations.GroupBy(one => one.Detector))
        {
            var best = ofDetector.Max(one => select(one).AP);
            foreach (var one in ofDetector)
            {
                var m = select(one);
                double[] figures = [m.AP, m.AP50, m.AP75, m.APSmall, m.APMedium, m.APLarge, m.AR100];
                var isBest = m.AP == best && ofDetector.Count() > 1;
                var row = figures.Select((value, i) => $"{Number(value),8}" + (i == 0 && isBest ? '*' : ' '));
                terminal.Out.WriteLine(($"{one.Isp!.PadRight(isps)}  {one.Detector}".PadRight(width) + string.Concat(row)).TrimEnd());
            }
        }
    }

    private static void PrintClasses(Terminal terminal, IReadOnlyList<Evaluation> isps)
    {
        var classes = ClassesToShow(isps[0].All).Select(name => (Name: name, Text: Terminal.Printable(name))).ToList();
        var title = $"AP with {isps[0].Detector}";
        var first = Math.Max(title.Length, classes.Select(pair => pair.Text.Length).DefaultIfEmpty().Max());
        int[] widths = [.. isps.Select(isp => 2 + Math.Max(5, isp.Isp!.Length))];
        string Row(string name, Func<Evaluation, string> value) =>
            name.PadRight(first) + string.Concat(isps.Zip(widths, (isp, width) => value(isp).PadLeft(width)));
        terminal.Out.WriteLine();
        terminal.Out.WriteLine(Row(title, isp => isp.Isp!));
        foreach (var (name, printable) in classes)
            terminal.Out.WriteLine(Row(printable, isp => Number(isp.All.PerClass[name])));
        SayOthers(terminal, isps[0].All);
    }

    // Those with something to find; of many, those with most.
    private static IEnumerable<string> ClassesToShow(CocoMetrics metrics)
    {
        var measured = metrics.PerClass.Where(pair => pair.Value >= 0).Select(pair => pair.Key).ToList();
        return measured.Count <= MostClasses ? measured : measured.OrderByDescending(name => metrics.BoxesPerClass[name]).Take(MostClasses);
    }

    private static void SayOthers(Terminal terminal, CocoMetrics metrics)
    {
        var others = metrics.PerClass.Count(pair => pair.Value >= 0) - MostClasses;
        if (others > 0)
            terminal.Out.WriteLine($"These {MostClasses} have most boxes; --json has the other {others} too, and so has the report of -o.");
    }

    private static void PrintOne(Terminal terminal, Evaluation evaluation)
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
        foreach (var name in ClassesToShow(evaluation.All))
            Row($"AP of {Terminal.Printable(name)}", metrics => Number(metrics.PerClass[name]));
        SayOthers(terminal, evaluation.All);
    }

    // −1: there was nothing to find.
    private static string Number(double value) => value < 0 ? "–" : (100 * value).ToString("0.0", CultureInfo.InvariantCulture);
}
