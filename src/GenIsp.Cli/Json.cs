using System.Text.Encodings.Web;
using System.Text.Json;

namespace GenIsp.Cli;

/// <summary>How results look as JSON.</summary>
internal static class Json
{
    public static JsonSerializerOptions Options { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
        // File names in any script stay readable; nothing of this goes into a web page.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static void Print(Terminal terminal, object document) => terminal.Out.WriteLine(JsonSerializer.Serialize(document, Options));

    /// <exception cref="GenIspException">The file can't be written.</exception>
    public static void Write(string path, object document) =>
        AtomicFile.Write(path, stream => JsonSerializer.Serialize(stream, document, Options));
}
