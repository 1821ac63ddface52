using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace GenIsp.Training.Logging;

/// <summary>A log of one JSON object a line (https://jsonlines.org), UTF-8. Each is in the system's hands once written.</summary>
internal sealed class JsonLinesLog : IDisposable
{
    private static readonly JsonSerializerOptions Look = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly LogStream _file;

    private JsonLinesLog(LogStream file) => _file = file;

    /// <summary>Opens the file to append to it. Of an older one, lines of later steps go, and so do lines that were cut short.</summary>
    /// <param name="path">The file; it is made if it isn't there.</param>
    /// <param name="firstStep">The first step that will be written: lines whose "step" is this or larger are dropped.</param>
    /// <exception cref="GenIspException">The file can't be written.</exception>
    public static JsonLinesLog Open(string path, long firstStep)
    {
        if (File.Exists(path))
        {
            AtomicFile.Write(path, stream =>
            {
                foreach (var line in File.ReadLines(path).Where(line => IsKept(line, firstStep)))
                    stream.Write(Encoding.UTF8.GetBytes(line + "\n"));
            });
        }
        return new JsonLinesLog(new LogStream(path, FileMode.Append));
    }

    /// <summary>Appends the object as a line. Numbers that are not finite become null: JSON has none.</summary>
    /// <exception cref="GenIspException">The file can't be written.</exception>
    public void Write(JsonObject line)
    {
        _file.Write(Encoding.UTF8.GetBytes(Finite(line)!.ToJsonString(Look) + "\n"));
        _file.Flush();
    }

    /// <exception cref="GenIspException">The file can't be written.</exception>
    public void Dispose() => _file.Dispose();

    private static bool IsKept(string line, long firstStep)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            return document.RootElement.ValueKind == JsonValueKind.Object
                && !(document.RootElement.TryGetProperty("step", out var step)
                    && step.ValueKind == JsonValueKind.Number
                    && step.GetDouble() >= firstStep);
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static JsonNode? Finite(JsonNode? node) => node switch
    {
        JsonObject members => new JsonObject(members.Select(member => KeyValuePair.Create(member.Key, Finite(member.Value)))),
        JsonArray items => new JsonArray([.. items.Select(Finite)]),
        JsonValue value when value.TryGetValue(out double number) && !double.IsFinite(number) => null,
        JsonValue value when value.TryGetValue(out float number) && !float.IsFinite(number) => null,
        _ => node?.DeepClone(),
    };
}
