using System.Text.Json.Nodes;

namespace GenIsp.Tests.Training.Logging;

/// <summary>What tests/reference/events.py wrote.</summary>
internal static class EventReference
{
    public static JsonNode Read() => JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Fixtures", "events.json")))!;

    /// <summary>The file's records, with their frames.</summary>
    public static byte[][] Records(string file) =>
        [.. Read()["files"]![file]!.AsArray().Select(record => Convert.FromBase64String((string)record!))];
}
