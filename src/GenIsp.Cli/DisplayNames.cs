namespace GenIsp.Cli;

/// <summary>What files are called in tables and in the names of results.</summary>
internal static class DisplayNames
{
    /// <summary>The names without folder and ending, or where two would be the same, the paths.</summary>
    public static IReadOnlyList<string> Of(IReadOnlyList<string> paths)
    {
        var counts = paths.CountBy(Short).ToDictionary();
        return [.. paths.Select(path => counts[Short(path)] == 1 ? Short(path) : path)];
    }

    /// <summary>A name that may be a path as a part of a file's name.</summary>
    public static string ForFile(string name) => string.Concat(name.Select(c => char.IsControl(c) || @"/\:".Contains(c) ? '-' : c));

    // A folder's name has no ending: what follows its dot is part of it.
    private static string Short(string path) => Directory.Exists(path)
        ? new DirectoryInfo(path).Name
        : Path.GetFileNameWithoutExtension(path);
}
