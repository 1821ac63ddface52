using System.Text.Json;

namespace GenIsp.Downloads;

/// <summary>Weights that can be downloaded by name; the list is <c>known-weights.json</c>.</summary>
/// <param name="Name">Such as <c>yolox_nano</c>.</param>
/// <param name="Address">Where they are.</param>
/// <param name="Size">Bytes of the file.</param>
/// <param name="Sha256">The file's SHA-256, 64 lower-case hexadecimal digits. torchvision's names end in its first eight.</param>
/// <param name="Licence">SPDX identifier.</param>
public sealed record KnownWeights(string Name, Uri Address, long Size, string Sha256, string Licence)
{
    /// <summary>All, in the list's order.</summary>
    public static IReadOnlyList<KnownWeights> All { get; } = Read();

    /// <summary>Where the file is or would be: in the cache, by the name it has at its address.</summary>
    /// <exception cref="GenIspException">The user has no home for a cache.</exception>
    public string Path => System.IO.Path.Combine(CacheFolder.Path, "weights", System.IO.Path.GetFileName(Address.LocalPath));

    /// <summary>Whether the file was downloaded.</summary>
    public bool IsThere => File.Exists(Path);

    /// <summary>The weights of a name.</summary>
    /// <exception cref="GenIspException">There are none of that name.</exception>
    public static KnownWeights ByName(string name) => Find(name) ?? throw new GenIspException(
        $"There are no weights {name} to download. {DidYouMean(name)}Those that there are: "
        + $"{string.Join(", ", All.Select(known => known.Name))}.");

    /// <summary>The file that is meant where a file is asked for: the file itself, or that of downloaded weights, by their name.</summary>
    /// <param name="file">A path, which counts if such a file exists, or a name.</param>
    /// <returns>The path to read. It need not exist, except where a name was given.</returns>
    /// <exception cref="GenIspException">The weights of that name are not there yet, or nothing is there and a name is near.</exception>
    public static string Locate(string file)
    {
        if (System.IO.Path.Exists(file))
            return file;
        if (Find(file) is not { } known)
        {
            return DidYouMean(System.IO.Path.GetFileNameWithoutExtension(file)) is { Length: > 0 } hint
                ? throw new GenIspException($"{file} does not exist. {hint}".TrimEnd())
                : file;
        }
        return known.IsThere
            ? known.Path
            : throw new GenIspException($"{file} is not downloaded yet. This command does it: genisp weights download {file}");
    }

    private static KnownWeights? Find(string name) => All.FirstOrDefault(known => known.Name == name);

    private static string DidYouMean(string name) =>
        Spelling.Nearest(name, All.Select(known => known.Name)) is { } near ? $"Did you mean {near}? " : "";

    private static KnownWeights[] Read()
    {
        using var json = typeof(KnownWeights).Assembly.GetManifestResourceStream("GenIsp.Downloads.known-weights.json")!;
        return JsonSerializer.Deserialize<KnownWeights[]>(json, JsonSerializerOptions.Web)!;
    }
}
