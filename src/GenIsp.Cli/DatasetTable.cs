namespace GenIsp.Cli;

/// <summary>What <c>dataset check</c> finds, for people.</summary>
internal static class DatasetTable
{
    // A long list hides what it is about; --json has all of it.
    private const int Most = 10;

    public static void Print(Terminal terminal, DatasetReport report)
    {
        void Line(string name, string value) => terminal.Out.WriteLine($"  {name,-12} {value}");
        foreach (var split in report.Splits)
        {
            terminal.Out.WriteLine(split.Annotations);
            Line("images", $"{split.Images}" + (split.EmptyImages > 0 ? $", {split.EmptyImages} without boxes" : ""));
            Line("boxes", string.Join(", ",
                from part in new (int? Count, string Words)[]
                {
                    (split.Boxes, ""), (split.Crowds > 0 ? split.Crowds : null, " crowds"), (split.Extreme, " extreme"),
                }
                where part.Count is not null
                select $"{part.Count}{part.Words}"));
            Line("classes", Listed(split.PerClass.Select(pair => $"{pair.Key} {pair.Value}"), 100));
            Line("frames", Listed(split.Frames.Select(pair => $"{pair.Key} ({pair.Value})"), Most));
            Doubtful("degenerate", split.Degenerate);
            Doubtful("outside", split.Outside);
            if (split.MissingFiles is { Count: var count } missing)
                Line("files", $"{split.FilesFound} found" + (count > 0 ? $", {count} missing: {Listed(missing, Most)}" : ""));
        }
        foreach (var overlap in report.Overlaps)
        {
            terminal.Out.WriteLine($"{overlap.First} and {overlap.Second}");
            Line("shared", overlap.Shared.Count == 0 ? "no image" : $"{overlap.Shared.Count}: {Listed(overlap.Shared, Most)}");
            Line("adjacent", $"{overlap.Adjacent} images of the second come right before or after one of the first");
        }
        if (report.OrphanFiles is { Count: > 0 } orphans)
        {
            var names = orphans.Select(Path.GetFileName).OfType<string>();
            terminal.Out.WriteLine($"{orphans.Count} files belong to no image: {Listed(names, Most)}");
        }

        void Doubtful(string name, IReadOnlyList<DoubtfulBox> boxes)
        {
            if (boxes.Count > 0)
            {
                var words = boxes.Select(box => FormattableString.Invariant(
                    $"annotation {box.Id} of {box.Image} [{string.Join(", ", box.Bbox)}]"));
                Line(name, $"{boxes.Count}: {Listed(words, Most)}");
            }
        }
    }

    private static string Listed(IEnumerable<string> words, int most)
    {
        var all = words.ToList();
        return string.Join(", ", all.Take(most)) + (all.Count > most ? $" and {all.Count - most} more" : "");
    }
}
