using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using GenIsp.Color;
using GenIsp.Data;

namespace GenIsp.Training;

/// <summary>Training options as JSON: snake_case keys, in any order; what is missing has its default, and an unknown key is an error.</summary>
public static class TrainingOptionsFile
{
    private static readonly JsonSerializerOptions Form = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false), new SizeLimitText(), new LogRangeText() },
    };

    /// <summary>Reads options.</summary>
    /// <param name="path">A JSON file.</param>
    /// <param name="recipe">Where the file is silent; the defaults if null.</param>
    /// <exception cref="GenIspException">The file can't be read, is not JSON, has an unknown key, or a value is out of range.</exception>
    public static TrainingOptions Read(string path, TrainingOptions? recipe = null)
    {
        try
        {
            var file = JsonNode.Parse(InputFiles.ReadText(path), documentOptions: new JsonDocumentOptions
            {
                CommentHandling = JsonCommentHandling.Skip,
                AllowTrailingCommas = true,
                AllowDuplicateProperties = false,
            });
            if (file is not JsonObject changes)
                throw new GenIspException("it holds no JSON object, which training options are.");
            var options = JsonSerializer.SerializeToNode(recipe ?? new TrainingOptions(), Form)!.AsObject();
            Overlay(options, changes);
            return options.Deserialize<TrainingOptions>(Form)!;
        }
        catch (JsonException error)
        {
            throw new GenIspException($"{path}: {Explain(error)}", error);
        }
        catch (GenIspException error) when (!error.Message.StartsWith(path, StringComparison.Ordinal))
        {
            throw new GenIspException($"{path}: {error.Message}", error);
        }
    }

    /// <summary>Writes options, all of them.</summary>
    /// <exception cref="GenIspException">The file can't be written.</exception>
    public static void Write(string path, TrainingOptions options) =>
        AtomicFile.Write(path, stream => JsonSerializer.Serialize(stream, options, Form));

    /// <summary>Where two sets of options differ, each as <c>key: old → new</c>.</summary>
    internal static IReadOnlyList<string> Differences(TrainingOptions old, TrainingOptions @new) =>
        [.. Compare("", JsonSerializer.SerializeToNode(old, Form), JsonSerializer.SerializeToNode(@new, Form))];

    private static void Overlay(JsonObject options, JsonObject changes)
    {
        foreach (var (key, value) in changes)
        {
            if (value is JsonObject inner && options[key] is JsonObject old)
                Overlay(old, inner);
            else
                options[key] = value?.DeepClone();
        }
    }

    private static IEnumerable<string> Compare(string key, JsonNode? old, JsonNode? @new) => (old, @new) switch
    {
        (JsonObject a, JsonObject b) => a.SelectMany(pair => Compare(key.Length > 0 ? $"{key}.{pair.Key}" : pair.Key, pair.Value, b[pair.Key])),
        _ when JsonNode.DeepEquals(old, @new) => [],
        _ => [$"{key}: {old?.ToJsonString(Form) ?? "null"} → {@new?.ToJsonString(Form) ?? "null"}"],
    };

    // System.Text.Json speaks of .NET's types, which mean nothing to who wrote the file.
    private static string Explain(JsonException error)
    {
        var key = error.Path is { Length: > 2 } path ? $"\"{path[2..]}\"" : "the options";
        if (error.Message.Contains("could not be mapped", StringComparison.Ordinal))
            return $"{key} is no training option. Those that there are: {string.Join(", ", Keys())}.";
        return error.InnerException is FormatException format
            ? $"{key} {format.Message}"
            : $"{key} in line {error.LineNumber + 1} is not as it must be: {error.Message.Split(" Path:")[0]}";
    }

    private static IEnumerable<string> Keys() =>
        JsonSerializer.SerializeToNode(TrainingOptions.Paper with { Simulation = new() }, Form)!.AsObject().Select(pair => pair.Key);

    // Such as "1333x800".
    private sealed class SizeLimitText : JsonConverter<SizeLimit>
    {
        public override SizeLimit Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.String && SizeLimit.TryParse(reader.GetString()!, out var size)
                ? size
                : throw new FormatException("must be a size such as \"1333x800\".");

        public override void Write(Utf8JsonWriter writer, SizeLimit value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.ToString());
    }

    // Such as "10..100".
    private sealed class LogRangeText : JsonConverter<LogRange>
    {
        public override LogRange Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.String && LogRange.TryParse(reader.GetString()!, out var range)
                ? range
                : throw new FormatException("must be a range of numbers above 0 such as \"10..100\".");

        public override void Write(Utf8JsonWriter writer, LogRange value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.ToString());
    }
}
