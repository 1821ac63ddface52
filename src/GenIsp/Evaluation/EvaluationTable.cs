using GenIsp.Data;
using GenIsp.Detection;

namespace GenIsp.Evaluation;

/// <summary>The detections and boxes of one class in one image: two ranges of the table's rows.</summary>
internal readonly record struct Cell(int FirstDetection, int Detections, int FirstTruth, int Truths);

/// <summary>The detections of a class from all images, best score first.</summary>
/// <param name="Rows">Rows of the table.</param>
/// <param name="PlacesInImage">For each row, how many of the same image and class score better: below 100.</param>
internal readonly record struct Ranking(int[] Rows, byte[] PlacesInImage)
{
    /// <summary>The outcomes in this order.</summary>
    public Outcome[] Select(Outcome[] outcomes)
    {
        var selected = new Outcome[Rows.Length];
        for (var i = 0; i < Rows.Length; i++)
            selected[i] = outcomes[Rows[i]];
        return selected;
    }
}

/// <summary>Detections and boxes in arrays, ordered by class, then image; detections then by falling score, boxes as in the file.</summary>
internal sealed class EvaluationTable
{
    private readonly CocoBox[] _boxes;
    private readonly double[] _areas;
    private readonly double[] _scores;
    private readonly byte[] _places;
    private readonly Truth[] _truths;

    // Where each class begins, and behind the last, where it ends.
    private readonly int[] _detectionStarts;
    private readonly int[] _truthStarts;

    private EvaluationTable(
        (CocoBox[] Boxes, double[] Areas, double[] Scores, byte[] Places, int[] Starts) detections, (Truth[] Rows, int[] Starts) truths,
        IReadOnlyList<Cell> cells)
    {
        (_boxes, _areas, _scores, _places, _detectionStarts) = detections;
        (_truths, _truthStarts) = truths;
        Cells = cells;
    }

    /// <summary>How many detections count.</summary>
    public int Detections => _boxes.Length;

    /// <summary>Every class and image that has a detection or a box.</summary>
    public IReadOnlyList<Cell> Cells { get; }

    public ReadOnlySpan<CocoBox> BoxesOf(Cell cell) => _boxes.AsSpan(cell.FirstDetection, cell.Detections);

    public ReadOnlySpan<double> AreasOf(Cell cell) => _areas.AsSpan(cell.FirstDetection, cell.Detections);

    public ReadOnlySpan<Truth> TruthsOf(Cell cell) => _truths.AsSpan(cell.FirstTruth, cell.Truths);

    /// <summary>The class's boxes that are to be found in an area range.</summary>
    public int CountPositives(int category, int range)
    {
        var (from, to) = CocoProtocol.AreaRanges[range];
        var count = 0;
        foreach (var truth in TruthsOf(category))
        {
            if (!truth.IsIgnored && !(truth.Area < from || truth.Area > to))
                count++;
        }
        return count;
    }

    /// <summary>The class's boxes that are to be found, whatever their area.</summary>
    public int CountMeasured(int category)
    {
        var count = 0;
        foreach (var truth in TruthsOf(category))
            count += truth.IsIgnored ? 0 : 1;
        return count;
    }

    /// <summary>The class's detections, best score first; equal scores in the order of the images, then of the file.</summary>
    public Ranking Rank(int category)
    {
        var (from, to) = (_detectionStarts[category], _detectionStarts[category + 1]);
        int[] rows = [.. Enumerable.Range(from, to - from)];
        SortByScore(_scores.AsSpan(from, to - from).ToArray(), rows);
        return new Ranking(rows, [.. rows.Select(row => _places[row])]);
    }

    public static EvaluationTable Build(
        CocoDataset dataset, IReadOnlyList<CocoDetection> detections, IReadOnlyList<Category> categories, CocoEvaluationOptions options)
    {
        var images = new Dictionary<string, int>(dataset.Images.Count);
        foreach (var image in dataset.Images)
            images.Add(image.Id, images.Count);
        // Who never saw the annotations calls an image by its file's name.
        for (var i = 0; i < dataset.Images.Count; i++)
            images.TryAdd(dataset.Images[i].Stem, i);
        var classes = new Dictionary<int, int>(categories.Count);
        foreach (var category in categories)
            classes.Add(category.Id, classes.Count);
        var areaScale = new double[dataset.Images.Count];
        for (var i = 0; i < areaScale.Length; i++)
            areaScale[i] = options.AreaScale is null ? 1 : Math.Pow(options.AreaScale(dataset.Images[i]), 2);

        // Degenerate boxes can't be found, yet they count: COCO knows no such thing as a box that is none.
        var annotations = dataset.Annotations.Concat(dataset.Degenerate)
            .Where(annotation => classes.ContainsKey(annotation.CategoryId)).ToList();
        var truthKeys = annotations.ConvertAll(annotation => (Class: classes[annotation.CategoryId], Image: images[annotation.ImageId]));
        var (truthOrder, truthStarts) = GroupByClassAndImage(truthKeys, classes.Count, dataset.Images.Count);
        Truth[] truths =
        [
            .. truthOrder.Select(row =>
            {
                var annotation = annotations[row];
                return new Truth(
                    annotation.Box, annotation.Area * areaScale[truthKeys[row].Image], annotation.IsCrowd,
                    annotation.IsCrowd || options.Subset?.Invoke(annotation) == false, annotation.Id != 0);
            }),
        ];

        var kept = new List<CocoDetection>(detections.Count);
        var keys = new List<(int Class, int Image)>(detections.Count);
        foreach (var detection in detections)
        {
            if (!images.TryGetValue(detection.ImageId, out var image))
            {
                throw new GenIspException(
                    $"A detection is of the image {detection.ImageId}, which {dataset.Source} lacks. Do they belong together?");
            }
            var (_, _, (x, y, width, height), score) = detection;
            if (!(double.IsFinite(x) && double.IsFinite(y) && double.IsFinite(width) && double.IsFinite(height) && double.IsFinite(score)))
            {
                throw new GenIspException(
                    $"A detection in the image {detection.ImageId} is [{x}, {y}, {width}, {height}] with the score {score}: "
                    + "all five must be finite numbers.");
            }
            if (!classes.TryGetValue(detection.CategoryId, out var category))
                continue;
            kept.Add(detection);
            keys.Add((category, image));
        }
        var (order, _) = GroupByClassAndImage(keys, classes.Count, dataset.Images.Count);
        return Join(classes.Count, (kept, keys, order), (truths, truthOrder.ConvertAll(row => truthKeys[row]), truthStarts), areaScale);
    }

    // Goes through both lists side by side, class by class and image by image.
    private static EvaluationTable Join(
        int classes, (List<CocoDetection> All, List<(int Class, int Image)> Keys, List<int> Order) detections,
        (Truth[] Rows, List<(int Class, int Image)> Keys, int[] Starts) truths, double[] areaScale)
    {
        var cells = new List<Cell>();
        var rows = new List<int>(detections.Order.Count);
        var places = new List<byte>(detections.Order.Count);
        var starts = new int[classes + 1];
        int d = 0, g = 0;
        while (d < detections.Order.Count || g < truths.Rows.Length)
        {
            var key = g == truths.Rows.Length ? detections.Keys[detections.Order[d]]
                : d == detections.Order.Count ? truths.Keys[g]
                : Earlier(detections.Keys[detections.Order[d]], truths.Keys[g]);
            var (firstD, firstG) = (d, g);
            while (d < detections.Order.Count && detections.Keys[detections.Order[d]] == key)
                d++;
            while (g < truths.Rows.Length && truths.Keys[g] == key)
                g++;
            var best = detections.Order[firstD..d].ToArray();
            SortByScore([.. best.Select(row => detections.All[row].Score)], best);
            var count = Math.Min(best.Length, CocoProtocol.MaxDetections);
            cells.Add(new Cell(rows.Count, count, firstG, g - firstG));
            for (var place = 0; place < count; place++)
            {
                rows.Add(best[place]);
                places.Add((byte)place);
            }
            starts[key.Class + 1] = rows.Count;
        }
        // A class without detections ends where the one before it does.
        for (var k = 1; k <= classes; k++)
            starts[k] = Math.Max(starts[k], starts[k - 1]);
        double Area(int row) => detections.All[row].Box.Width * detections.All[row].Box.Height * areaScale[detections.Keys[row].Image];
        return new EvaluationTable(
            ([.. rows.Select(row => detections.All[row].Box)], [.. rows.Select(Area)], [.. rows.Select(row => detections.All[row].Score)],
                [.. places], starts),
            (truths.Rows, truths.Starts), cells);
    }

    private ReadOnlySpan<Truth> TruthsOf(int category) => _truths.AsSpan(_truthStarts[category].._truthStarts[category + 1]);

    private static (int Class, int Image) Earlier((int Class, int Image) a, (int Class, int Image) b) => a.CompareTo(b) <= 0 ? a : b;

    // Two counting passes, which keep the order of what is equal: first by image, then by class.
    private static (List<int> Order, int[] ClassStarts) GroupByClassAndImage(List<(int Class, int Image)> keys, int classes, int images)
    {
        int[] rows = [.. Enumerable.Range(0, keys.Count)];
        (rows, _) = CountingSort(rows, row => keys[row].Image, images);
        (rows, var starts) = CountingSort(rows, row => keys[row].Class, classes);
        return ([.. rows], starts);
    }

    private static (int[] Rows, int[] Starts) CountingSort(int[] rows, Func<int, int> key, int count)
    {
        var starts = new int[count + 1];
        foreach (var row in rows)
            starts[key(row) + 1]++;
        for (var i = 0; i < count; i++)
            starts[i + 1] += starts[i];
        var next = starts[..count];
        var sorted = new int[rows.Length];
        foreach (var row in rows)
            sorted[next[key(row)]++] = row;
        return (sorted, starts);
    }

    // Best first; rows come in ascending order, and stay so among equal scores. The scores are scrambled.
    private static void SortByScore(double[] scores, int[] rows)
    {
        for (var i = 0; i < scores.Length; i++)
            scores[i] = -scores[i];
        Array.Sort(scores, rows);
        for (var start = 0; start < rows.Length;)
        {
            var end = start + 1;
            while (end < rows.Length && scores[end] == scores[start])
                end++;
            Array.Sort(rows, start, end - start);
            start = end;
        }
    }
}
