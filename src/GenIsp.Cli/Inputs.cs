using GenIsp.Data;

namespace GenIsp.Cli;

/// <summary>A picture to work on, and what its results are called.</summary>
internal readonly record struct InputFile(string Path, string OutputStem);

/// <summary>Turns INPUT... into files.</summary>
internal static class Inputs
{
    /// <summary>The files, those of folders in order of their names. Outputs get the stem, or where two would be the same, the name.</summary>
    /// <exception cref="GenIspException">An input is missing, or a folder holds no picture.</exception>
    public static IReadOnlyList<InputFile> Expand(IEnumerable<string> inputs)
    {
        var files = inputs.SelectMany(ExpandOne).ToList();
        var stems = files.GroupBy(file => Path.GetFileNameWithoutExtension(file), StringComparer.OrdinalIgnoreCase)
            .Where(group => group.Count() > 1).Select(group => group.Key).ToHashSet(StringComparer.OrdinalIgnoreCase);
        var taken = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        return
        [
            .. files.Select(file =>
            {
                var stem = Path.GetFileNameWithoutExtension(file);
                var name = stems.Contains(stem) ? Path.GetFileName(file) : stem;
                return taken.Add(name)
                    ? new InputFile(file, name)
                    : throw new GenIspException($"{file}: another input is also called {name}, so their results would collide. Run them apart.");
            }),
        ];
    }

    private static IEnumerable<string> ExpandOne(string input)
    {
        if (File.Exists(input))
            return [input];
        if (!Directory.Exists(input))
            throw new GenIspException($"{input} does not exist.");
        var files = ImageFolder.PicturesIn(input);
        return files.Count > 0 ? files : throw new GenIspException($"{input} holds no RAW file, mosaic or photo.");
    }
}
