using System.Text.Json;
using System.Text.Json.Serialization;

namespace GenIsp.Benchmarks;

/// <summary>What a benchmark found, as JSON under <c>artifacts/benchmarks</c>.</summary>
internal static class BenchmarkFile
{
    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    /// <summary>The real files beside the project.</summary>
    public static string SharedData { get; } = Path.GetFullPath(
        Environment.GetEnvironmentVariable("GENISP_SHARED_DATA") ?? Path.Combine("..", "shared", "data"));

    /// <summary>This machine's processor, and how many of its cores may be used.</summary>
    public static string Processor { get; } = $"{Model()}, {Environment.ProcessorCount} cores";

    public static void Write(string name, object results)
    {
        var folder = Directory.CreateDirectory(Path.Combine("artifacts", "benchmarks")).FullName;
        var path = Path.Combine(folder, $"{name}.json");
        File.WriteAllText(path, JsonSerializer.Serialize(new { processor = Processor, time = DateTime.UtcNow, results }, Indented) + "\n");
        Console.WriteLine($"       {path}");
    }

    private static string Model()
    {
        const string CpuInfo = "/proc/cpuinfo";
        var lines = File.Exists(CpuInfo) ? File.ReadLines(CpuInfo) : [];
        var line = lines.FirstOrDefault(text => text.StartsWith("model name", StringComparison.Ordinal));
        return line?[(line.IndexOf(':') + 1)..].Trim() ?? System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture.ToString();
    }
}
