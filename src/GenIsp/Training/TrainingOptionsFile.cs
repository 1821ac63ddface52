using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using GenIsp.Color;
using GenIsp.Data;

namespace GenIsp.Training;

/// <summary>
/// Training options as JSON: snake_case keys, in any order; what is missing has its default, and an unknown key is an error.
/// </summary>
public static class TrainingOptionsFile
{
    private static readonly JsonSerializerOptions Compact = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        RespectNullableAnnotations = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters =
        {
            new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false),
            new SizeLimitText(),
            new LogRangeText(),
        },
    };

    private static readonly JsonSerializerOptions Indented = new(Compact) { WriteIndented = true };

    /// <summary>Reads options.</summary>
    /// <param name="path">A JSON file.</param>
    /// <param name="recipe">Where the file is silent; the defaults if null.</param>
    /// <exception cref="GenIspException">The file can't be read, is not JSON, has an unknown key, or a value is out of range.</exception>
    public static TrainingOptions Read(string path, TrainingOptions? recipe = null)
    {
        var changes = Parse(path);
        var options = ToJson(recipe ?? new TrainingOptions()).AsObject();
        // What a simulation may say is known also where the recipe simulates nothing.
        if (changes["simulation"] is JsonObject)
            options["simulation"] ??= ToJson(new NightSimulation());
        try
        {
            Overlay("", options, changes);
            var read = options.Deserialize<TrainingOptions>(Compact)!;
            read.Network.Check();
            return read;
        }
        catch (JsonException error)
        {
            throw new GenIspException($"{path}: {Explain(error.Path!, options)}", error);
        }
        catch (Exception error) when (error is GenIspException or ArgumentException)
        {
            throw new GenIspException($"{path}: {error.Message}", error);
        }
    }

    /// <summary>Writes options, all of them.</summary>
    /// <exception cref="GenIspException">The file can't be written.</exception>
    public static void Write(string path, TrainingOptions options) =>
        AtomicFile.Write(path, stream => JsonSerializer.Serialize(stream, options, Indented));

    /// <summary>Where two sets of options differ, each as <c>key: old → new</c>.</summary>
    internal static IReadOnlyList<string> Differences(TrainingOptions old, TrainingOptions @new) =>
        [.. Compare("", ToJson(old), ToJson(@new))];

    private static JsonNode ToJson<T>(T options) => JsonSerializer.SerializeToNode(options, Compact)!;

    private static JsonObject Parse(string path)
    {
        try
        {
            var json = JsonNode.Parse(InputFiles.ReadText(path), documentOptions: new JsonDocumentOptions
            {
                CommentHandling = JsonCommentHandling.Skip,
                AllowTrailingCommas = true,
                AllowDuplicateProperties = false,
            });
            return json as JsonObject ?? throw new GenIspException($"{path} holds no JSON object, which training options are.");
        }
        catch (JsonException error)
        {
            var line = error.LineNumber is { } number ? $" (line {number + 1})" : "";
            var reason = error.Message.Split(" LineNumber:")[0].Replace(" during deserialization", "", StringComparison.Ordinal);
            throw new GenIspException($"{path} is not JSON as options are{line}: {reason}", error);
        }
    }

    private static void Overlay(string place, JsonObject options, JsonObject changes)
    {
        foreach (var (key, value) in changes)
        {
            if (!options.TryGetPropertyValue(key, out var old))
            {
                var known = string.Join(", ", options.Select(pair => place + pair.Key));
                throw new GenIspException($"\"{place}{key}\" is no training option. Those that there are: {known}.");
            }
            if (value is JsonObject inner && old is JsonObject section)
                Overlay($"{place}{key}.", section, inner);
            else
                options[key] = value?.DeepClone();
        }
    }

    private static IEnumerable<string> Compare(string key, JsonNode? old, JsonNode? @new) => (old, @new) switch
    {
        (JsonObject a, JsonObject b) =>
            a.SelectMany(pair => Compare(key.Length > 0 ? $"{key}.{pair.Key}" : pair.Key, pair.Value, b[pair.Key])),
        _ when JsonNode.DeepEquals(old, @new) => [],
        _ => [$"{key}: {Text(old)} → {Text(@new)}"],
    };

    private static string Text(JsonNode? value) => value?.ToJsonString(Compact) ?? "null";

    // System.Text.Json speaks of .NET's types, which mean nothing to who wrote the file.
    private static string Explain(string path, JsonNode options)
    {
        // $.simulation.cameras[0] is in "simulation.cameras".
        string[] keys = path.Split('[')[0].Split('.')[1..];
        var (found, type) = ((JsonNode?)options, typeof(TrainingOptions));
        foreach (var key in keys)
        {
            found = found![key];
            type = type.GetProperties().Single(property => JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name) == key).PropertyType;
        }
        return $"\"{string.Join('.', keys)}\" is {Text(found)}, but must be {Expected(Nullable.GetUnderlyingType(type) ?? type)}.";
    }

    private static string Expected(Type type)
    {
        if (type.IsEnum)
            return string.Join(" or ", Enum.GetValues(type).Cast<object>().Select(value => JsonSerializer.Serialize(value, type, Compact)));
        return type switch
        {
            _ when type == typeof(int) || type == typeof(long) => "a whole number",
            _ when type == typeof(double) => "a number",
            _ when type == typeof(bool) => "true or false",
            _ when type == typeof(string) => "text",
            _ when type == typeof(SizeLimit) => "a size such as \"1333x800\"",
            _ when type == typeof(LogRange) => "a range of numbers above 0 such as \"10..100\"",
            _ when type == typeof(IReadOnlyList<int>) => "a list of whole numbers",
            _ when type == typeof(IReadOnlyList<string>) => "a list of texts",
            _ => "an object",
        };
    }

    // Such as "1333x800".
    private sealed class SizeLimitText : JsonConverter<SizeLimit>
    {
        public override SizeLimit Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.String && SizeLimit.TryParse(reader.GetString()!, out var size)
                ? size
                : throw new JsonException();

        public override void Write(Utf8JsonWriter writer, SizeLimit value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.ToString());
    }

    // Such as "10..100".
    private sealed class LogRangeText : JsonConverter<LogRange>
    {
        public override LogRange Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.String && LogRange.TryParse(reader.GetString()!, out var range)
                ? range
                : throw new JsonException();

        public override void Write(Utf8JsonWriter writer, LogRange value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.ToString());
    }
}
