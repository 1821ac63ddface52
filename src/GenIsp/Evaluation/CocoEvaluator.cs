using System.Collections.Concurrent;
using GenIsp.Data;
using GenIsp.Detection;

namespace GenIsp.Evaluation;

/// <summary>
/// COCO's evaluation of boxes (https://cocodataset.org/#detection-eval). Every figure equals that of pycocotools' COCOeval, also where
/// that is peculiar: among equal scores the order of images' ids decides, then the file's; of equal overlaps the last box wins; an
/// annotation's <c>ignore</c> is not looked at; degenerate boxes are to be found, though nothing can; and a box whose id is 0, such as
/// the first of every RAW-NOD file, can be found only in vain, for 0 means "nothing found".
/// </summary>
public static class CocoEvaluator
{
    /// <summary>Measures detections.</summary>
    /// <param name="dataset">What was to be found.</param>
    /// <param name="detections">
    /// What was found, in any order. Of each class and image the hundred with the best scores count; classes that are not measured are
    /// passed over.
    /// </param>
    /// <param name="options">What to measure; everything if null.</param>
    /// <exception cref="GenIspException">
    /// A detection of an unknown image, or with numbers that are not finite; or an unknown class in the options.
    /// </exception>
    public static CocoMetrics Evaluate(
        CocoDataset dataset, IReadOnlyList<CocoDetection> detections, CocoEvaluationOptions? options = null)
    {
        options ??= new CocoEvaluationOptions();
        var categories = Select(dataset, options.Classes);
        var table = EvaluationTable.Build(dataset, detections, categories, options);
        var outcomes = Match(table);

        // By area range and class; null where there is nothing to find.
        var ranges = CocoProtocol.AreaRanges.Length;
        var curves = new CocoCurves?[ranges][];
        for (var range = 0; range < ranges; range++)
            curves[range] = new CocoCurves?[categories.Count];
        Parallel.For(0, categories.Count, category =>
        {
            var ranking = table.Rank(category);
            for (var range = 0; range < ranges; range++)
            {
                var positives = table.CountPositives(category, range);
                if (positives > 0)
                    curves[range][category] = CocoCurves.From(ranking.Select(outcomes[range]), ranking.PlacesInImage, positives);
            }
        });

        double Average(int range, Func<CocoCurves, double> figure) =>
            curves[range].OfType<CocoCurves>().Select(figure).DefaultIfEmpty(-1).Average();
        return new CocoMetrics
        {
            Images = dataset.Images.Count,
            Boxes = Enumerable.Range(0, categories.Count).Sum(table.CountMeasured),
            AP = Average(0, curve => curve.Precision.Average()),
            AP50 = Average(0, curve => curve.Precision[0]),
            AP75 = Average(0, curve => curve.Precision[5]),
            APSmall = Average(1, curve => curve.Precision.Average()),
            APMedium = Average(2, curve => curve.Precision.Average()),
            APLarge = Average(3, curve => curve.Precision.Average()),
            AR1 = Average(0, curve => curve.Recall1.Average()),
            AR10 = Average(0, curve => curve.Recall10.Average()),
            AR100 = Average(0, curve => curve.Recall100.Average()),
            ARSmall = Average(1, curve => curve.Recall100.Average()),
            ARMedium = Average(2, curve => curve.Recall100.Average()),
            ARLarge = Average(3, curve => curve.Recall100.Average()),
            PerClass = new OrderedDictionary<string, double>(categories.Select((category, k) =>
                KeyValuePair.Create(category.Name, curves[0][k]?.Precision.Average() ?? -1))),
            BoxesPerClass = new OrderedDictionary<string, int>(categories.Select((category, k) =>
                KeyValuePair.Create(category.Name, table.CountMeasured(k)))),
            PrecisionAt50 = new OrderedDictionary<string, IReadOnlyList<double>>(
                from k in Enumerable.Range(0, categories.Count)
                where curves[0][k] is not null
                select KeyValuePair.Create(categories[k].Name, (IReadOnlyList<double>)curves[0][k]!.PrecisionAt50)),
        };
    }

    private static IReadOnlyList<Category> Select(CocoDataset dataset, IReadOnlyCollection<string>? names)
    {
        if (names is null)
            return dataset.Categories;
        var unknown = names.Except(dataset.Categories.Select(category => category.Name)).ToList();
        if (unknown.Count > 0 || names.Count == 0)
        {
            throw new GenIspException(
                $"{dataset.Source} has no class {(names.Count == 0 ? "without a name" : string.Join(", ", unknown))}. "
                + $"It has {string.Join(", ", dataset.Categories.Select(category => category.Name))}.");
        }
        return [.. dataset.Categories.Where(category => names.Contains(category.Name))];
    }

    // [area range][detection of the table]
    private static Outcome[][] Match(EvaluationTable table)
    {
        var ranges = CocoProtocol.AreaRanges.Length;
        var outcomes = new Outcome[ranges][];
        for (var range = 0; range < ranges; range++)
            outcomes[range] = new Outcome[table.Detections];
        if (table.Cells.Count == 0)
            return outcomes;
        Parallel.ForEach(Partitioner.Create(0, table.Cells.Count), () => new CocoMatcher(), (part, _, matcher) =>
        {
            var buffer = new Outcome[ranges * CocoProtocol.MaxDetections];
            for (var c = part.Item1; c < part.Item2; c++)
            {
                var cell = table.Cells[c];
                var found = buffer.AsSpan(0, ranges * cell.Detections);
                matcher.Match(table.BoxesOf(cell), table.AreasOf(cell), table.TruthsOf(cell), found);
                for (var range = 0; range < ranges; range++)
                    found.Slice(range * cell.Detections, cell.Detections).CopyTo(outcomes[range].AsSpan(cell.FirstDetection));
            }
            return matcher;
        }, _ => { });
        return outcomes;
    }
}
