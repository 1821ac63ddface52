using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using GenIsp.Imaging;
using GenIsp.Raw;

namespace GenIsp.Data;

/// <summary>What a simulated data set is made with.</summary>
/// <param name="ImagesFolder">The photos.</param>
/// <param name="AnnotationsFile">Their COCO annotations.</param>
/// <param name="Camera">The camera.</param>
/// <param name="Night">What nights are drawn.</param>
/// <param name="Seed">With a photo's <c>file_name</c>, what determines its night.</param>
internal sealed record SimulationOptions(
    string ImagesFolder, string AnnotationsFile, SimulatedCamera Camera, NightOptions Night, long Seed);

/// <summary>A photo and the RAW file that is made of it.</summary>
/// <param name="Name">Its <c>file_name</c>.</param>
/// <param name="NewName">The RAW file's, in the folder <c>images</c>.</param>
/// <param name="Width">Columns, as the annotations say.</param>
/// <param name="Height">Rows, as the annotations say.</param>
internal readonly record struct SimulatedPhoto(string Name, string NewName, int Width, int Height);

/// <summary>
/// A folder of simulated night RAWs: <c>images/*.dng</c>, <c>annotations.json</c> in their frame, <c>parameters.json</c> with what was
/// drawn for each, and <c>simulation.json</c> with the options, so that work can go on later and different simulations never mix.
/// </summary>
internal sealed class SimulatedDataset
{
    // Goes up when the same options would give other pixels.
    private const int SimulatorVersion = 1;

    // LibRaw takes nothing smaller for a picture.
    private const int SmallestSide = 22;

    private static readonly JsonWriterOptions JsonLook = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly string _folder;
    private readonly SimulationOptions _options;
    private readonly AnnotationScaling _annotations;
    private readonly ConcurrentDictionary<string, SimulatedPhoto> _done = new();

    private SimulatedDataset(string folder, SimulationOptions options, AnnotationScaling annotations) =>
        (_folder, _options, _annotations) = (folder, options, annotations);

    /// <summary>The photos, in the annotation file's order.</summary>
    public required IReadOnlyList<SimulatedPhoto> Photos { get; init; }

    /// <summary>Starts a data set in a folder, or goes on with one of the same options.</summary>
    /// <exception cref="GenIspException">
    /// The annotations can't be read, the folder holds another simulation, or it can't be written to.
    /// </exception>
    public static SimulatedDataset Open(string folder, SimulationOptions options)
    {
        if (!Directory.Exists(options.ImagesFolder))
            throw new GenIspException($"The folder {options.ImagesFolder} does not exist.");
        var json = ReadBytes(options.AnnotationsFile);
        var annotations = AnnotationScaling.Read(options.AnnotationsFile, json);
        var dataset = new SimulatedDataset(folder, options, annotations)
        {
            Photos = NamePhotos(options.AnnotationsFile, annotations.Images),
        };
        dataset.Claim(Describe(options, json));
        return dataset;
    }

    /// <summary>The photo's file.</summary>
    public string PathOf(SimulatedPhoto photo) => Path.Combine(_options.ImagesFolder, photo.Name);

    /// <summary>Makes the RAW file of a photo, unless it is there already. May run on many threads.</summary>
    /// <returns>False if it was there.</returns>
    /// <exception cref="GenIspException">
    /// The photo can't be read, has another size than the annotations say, or the disk is full.
    /// </exception>
    public bool Simulate(SimulatedPhoto photo)
    {
        var target = Path.Combine(_folder, "images", photo.NewName);
        // Files get their names only when they are whole.
        var isNew = !File.Exists(target);
        if (isNew)
        {
            var picture = PictureFile.Read(PathOf(photo));
            if ((picture.Width, picture.Height) != (photo.Width, photo.Height))
            {
                throw new GenIspException(
                    $"{PathOf(photo)} has {picture.Width}×{picture.Height} pixels (upright), but the annotations say "
                    + $"{photo.Width}×{photo.Height}: its boxes would be misplaced.");
            }
            if (2 * Math.Min(photo.Width, photo.Height) < SmallestSide)
                throw new GenIspException($"{PathOf(photo)} is too small: its RAW file would have less than {SmallestSide} pixels a side.");
            var sensor = LowLightSimulator.Simulate(
                picture, _options.Camera, NightOf(photo), Seeds.Derive(_options.Seed, photo.Name, "noise"), PathOf(photo));
            CreateFolder(Path.GetDirectoryName(target)!);
            DngWriter.Write(target, sensor);
        }
        _done[photo.Name] = photo;
        return isNew;
    }

    /// <summary>Writes the annotations and parameters of all photos that <see cref="Simulate"/> has dealt with.</summary>
    /// <exception cref="GenIspException">The disk is full.</exception>
    public void Finish()
    {
        WriteJson("annotations.json", _annotations.ToNewFrame(_done.ToDictionary(pair => pair.Key, pair => pair.Value.NewName)));
        var parameters = new JsonObject();
        foreach (var photo in Photos.Where(photo => _done.ContainsKey(photo.Name)))
        {
            var night = NightOf(photo);
            parameters[photo.NewName] = new JsonObject
            {
                ["photo"] = photo.Name,
                ["darkness"] = night.Darkness,
                ["shot_noise"] = night.ShotNoise,
                ["read_noise"] = night.ReadNoise,
                ["red_gain"] = night.RedGain,
                ["blue_gain"] = night.BlueGain,
            };
        }
        WriteJson("parameters.json", parameters);
    }

    private NightParameters NightOf(SimulatedPhoto photo) =>
        NightParameters.Draw(_options.Night, Seeds.Derive(_options.Seed, photo.Name, "night"));

    // Says in the folder what is made there, or makes sure that it is the same.
    private void Claim(JsonObject description)
    {
        const string Name = "simulation.json";
        var path = Path.Combine(_folder, Name);
        var images = Path.Combine(_folder, "images");
        CreateFolder(images);
        if (!File.Exists(path))
        {
            if (Directory.EnumerateFileSystemEntries(images).Any())
            {
                throw new GenIspException(
                    $"{images} holds files, but {path}, which would say how they were made, is missing. Use another folder.");
            }
            WriteJson(Name, description);
            return;
        }
        JsonObject? found;
        try
        {
            var strict = new JsonDocumentOptions { AllowDuplicateProperties = false };
            found = JsonNode.Parse(ReadBytes(path), documentOptions: strict) as JsonObject;
        }
        catch (JsonException)
        {
            found = null;
        }
        if (found is null)
            throw new GenIspException($"{path} is damaged, so it is not known how the files beside it were made. Use another folder.");
        var changed = description.Select(pair => pair.Key).Where(key => !JsonNode.DeepEquals(description[key], found[key])).ToList();
        if (changed.Count > 0)
        {
            var details = changed.Select(key =>
                $"{key} was {found[key]?.ToJsonString() ?? "unknown"}, and is {description[key]!.ToJsonString()}");
            throw new GenIspException($"{_folder} holds another simulation: {string.Join("; ", details)}. Use another folder.");
        }
    }

    private static JsonObject Describe(SimulationOptions options, ReadOnlySpan<byte> annotations)
    {
        static JsonArray Pair(LogRange range) => [range.Min, range.Max];
        var camera = options.Camera;
        return new JsonObject
        {
            ["simulator"] = SimulatorVersion,
            ["camera"] = new JsonObject
            {
                ["name"] = camera.Name,
                ["cfa"] = camera.Cfa.ToString(),
                ["black"] = new JsonArray([.. camera.Levels.ToBlackArray().Select(black => (JsonNode)black)]),
                ["white"] = camera.Levels.White,
                ["bits"] = camera.Bits,
                ["xyz_to_camera"] = new JsonArray(
                    [.. camera.XyzToCamera.ToRows().Select(row => new JsonArray([.. row.Select(value => (JsonNode)value)]))]),
            },
            ["darkness"] = Pair(options.Night.Darkness),
            ["shot_noise"] = Pair(options.Night.ShotNoise),
            ["illuminant"] = options.Night.Illuminant,
            ["seed"] = options.Seed,
            // Its content, not its place: a data set may move.
            ["annotations_sha256"] = Convert.ToHexStringLower(SHA256.HashData(annotations)),
        };
    }

    private static List<SimulatedPhoto> NamePhotos(string annotationsFile, IReadOnlyList<AnnotatedImage> images)
    {
        if (images.Count == 0)
            throw new GenIspException($"{annotationsFile} lists no images.");
        var ids = new HashSet<string>();
        var taken = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var photos = new List<SimulatedPhoto>(images.Count);
        foreach (var image in images)
        {
            // Nothing is ever written outside the folder, whatever the annotations call it.
            var parts = image.FileName.Split('/', '\\');
            if (parts.Any(part => part is "" or "." or ".." || part.Contains(':') || part.Any(char.IsControl)))
                throw new GenIspException($"{annotationsFile}: \"{image.FileName}\" is no name of a file inside the folder of images.");
            if (!ids.Add(image.Id))
                throw new GenIspException($"{annotationsFile}: the image id {image.Id} stands there twice.");
            var newName = Path.ChangeExtension(image.FileName, ".dng").Replace('\\', '/');
            if (!taken.TryAdd(newName, image.FileName))
                throw new GenIspException($"{annotationsFile}: \"{taken[newName]}\" and \"{image.FileName}\" would both become {newName}.");
            photos.Add(new SimulatedPhoto(image.FileName, newName, image.Width, image.Height));
        }
        return photos;
    }

    private void WriteJson(string name, JsonObject document) => AtomicFile.Write(Path.Combine(_folder, name), stream =>
    {
        using var writer = new Utf8JsonWriter(stream, JsonLook);
        document.WriteTo(writer);
    });

    private static byte[] ReadBytes(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new GenIspException($"{path} can't be read: {e.Message}", e);
        }
    }

    private static void CreateFolder(string path)
    {
        try
        {
            Directory.CreateDirectory(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new GenIspException($"The folder {path} can't be created: {e.Message}", e);
        }
    }
}
