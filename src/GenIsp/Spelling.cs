namespace GenIsp;

/// <summary>What somebody may have meant.</summary>
internal static class Spelling
{
    /// <summary>The name that is nearest to a word, or null where none is near.</summary>
    public static string? Nearest(string word, IEnumerable<string> names)
    {
        var near = names.MinBy(name => Distance(word, name));
        return near is not null && Distance(word, near) <= 1 + word.Length / 4 ? near : null;
    }

    // Levenshtein's: how many letters must be put in, left out or replaced.
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var (corner, _) = (row[0], row[0] = i);
            for (var j = 1; j <= b.Length; j++)
                (corner, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, corner + (a[i - 1] == b[j - 1] ? 0 : 1)));
        }
        return row[^1];
    }
}
