using GenIsp.Data;

namespace GenIsp.Cli;

/// <summary>A picture to work on, and what its results are called.</summary>
internal readonly record struct InputFile(string Path, string OutputStem);

/// <summary>Turns INPUT... into files.</summary>
internal static class Inputs
{
    /// <summary>The files, those of folders in order of their names; folders inside them are left alone.</summary>
    /// <param name="inputs">What the user named.</param>
    /// <exception cref="GenIspException">An input is missing, or a folder holds no picture.</exception>
    public static IReadOnlyList<string> Files(IEnumerable<string> inputs) => [.. inputs.SelectMany(ExpandOne)];

    /// <summary>The same, with a name for each one's outputs: the stem, or where two would be the same, the whole name.</summary>
    /// <exception cref="GenIspException">As <see cref="Files"/>; or two files have one name.</exception>
    public static IReadOnlyList<InputFile> Named(IEnumerable<string> inputs)
    {
        var files = Files(inputs);
        var shared = files.GroupBy(file => Path.GetFileNameWithoutExtension(file), StringComparer.OrdinalIgnoreCase)
            .Where(group => group.Count() > 1).Select(group => group.Key).ToHashSet(StringComparer.OrdinalIgnoreCase);
        var taken = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        return
        [
            .. files.Select(file =>
            {
                var stem = Path.GetFileNameWithoutExtension(file);
                var name = shared.Contains(stem) ? Path.GetFileName(file) : stem;
                return taken.Add(name)
                    ? new InputFile(file, name)
                    : throw new GenIspException(
                        $"{file}: another input is also called {name}, so their results would collide. Run them apart.");
            }),
        ];
    }

    private static IReadOnlyList<string> ExpandOne(string input)
    {
        if (File.Exists(input))
            return [input];
        if (!Directory.Exists(input))
            throw new GenIspException($"{input} does not exist.");
        var files = ImageFolder.PicturesIn(input);
        return files.Count > 0
            ? files
            : throw new GenIspException($"{input} holds no RAW file, mosaic or photo.{FoldersIn(input)}");
    }

    // Most likely the pictures are in there.
    private static string FoldersIn(string folder)
    {
        const int Named = 5;
        string[] names = [.. Directory.EnumerateDirectories(folder).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];
        return names.Length == 0 ? "" : $" Folders inside it are left alone: {string.Join(", ", names.Take(Named))}"
            + $"{(names.Length > Named ? $" and {names.Length - Named} more" : "")}. Name those that are meant.";
    }
}
