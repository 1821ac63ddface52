namespace GenIsp.Cli;

/// <summary>Where results go.</summary>
internal static class OutputFolder
{
    /// <summary>Creates the folder, and makes sure that nothing of the user's is overwritten.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="inputs">What the user named: files and folders.</param>
    /// <param name="outputs">The names of the files that will be written.</param>
    /// <exception cref="GenIspException">It can't be created or written to, or an input would be overwritten.</exception>
    public static void Prepare(string folder, IReadOnlyList<string> inputs, IEnumerable<string> outputs)
    {
        if (folder.Length == 0)
            throw new GenIspException("The output folder has no name. Give one with -o.");
        if (File.Exists(folder))
            throw new GenIspException($"The output folder {folder} is a file.");
        var target = RealPath(folder);
        if (inputs.FirstOrDefault(input => Directory.Exists(input) && IsSame(RealPath(input), target)) is { } same)
        {
            throw new GenIspException(
                $"{same} is an input and can't be the output folder too: the next run would take the results for photos.");
        }
        // Two inputs may be links to one file.
        var files = inputs.Where(File.Exists).ToLookup(file => RealPath(file), PathComparer);
        foreach (var output in outputs)
        {
            if (files[Path.Combine(target, output)].FirstOrDefault() is { } input)
                throw new GenIspException($"{input} is an input and would be overwritten. Choose another output folder.");
        }
        try
        {
            Directory.CreateDirectory(folder);
            // A folder may exist and yet refuse files: better known before the work than after.
            using (File.Create(Path.Combine(folder, $".genisp-{Environment.ProcessId}"), 1, FileOptions.DeleteOnClose))
            {
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new GenIspException($"The output folder {folder} can't be written to: {e.Message}", e);
        }
    }

    private static StringComparer PathComparer { get; } =
        OperatingSystem.IsLinux() ? StringComparer.Ordinal : StringComparer.OrdinalIgnoreCase;

    private static bool IsSame(string a, string b) => PathComparer.Equals(a, b);

    // The full path, where every folder on the way that is a link is replaced by what it leads to.
    private static string RealPath(string path)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        var parent = Path.GetDirectoryName(full);
        var here = parent is null ? full : Path.Combine(RealPath(parent), Path.GetFileName(full));
        FileSystemInfo info = Directory.Exists(here) ? new DirectoryInfo(here) : new FileInfo(here);
        return info.Exists && info.ResolveLinkTarget(returnFinalTarget: true) is { } target ? RealPath(target.FullName) : here;
    }
}
