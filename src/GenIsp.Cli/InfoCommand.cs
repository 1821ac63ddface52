using System.CommandLine;
using System.Globalization;
using System.Text.Json.Serialization;
using GenIsp.Geometry;
using GenIsp.Raw;

namespace GenIsp.Cli;

internal static class InfoCommand
{
    public static Command Create(Terminal terminal)
    {
        var files = InputArgument.Create("FILE", "RAW files, mosaics with a sidecar, or folders");
        var json = new Option<bool>("--json") { Description = "Print a JSON array" };
        var command = new Command(
            "info",
            "Says what a RAW file holds: camera, size, colour filters, levels, colour matrix.") { files, json }.WithExamples(
                "genisp info photo.nef",
                "genisp info photos/ --json");
        command.SetAction((parsed, cancellation) => Task.FromResult(
            Run(terminal, WithoutPhotos(terminal, parsed.GetValue(files)!), parsed.GetValue(json), cancellation)));
        return command;
    }

    // Folders' photos have nothing to tell, yet other commands take them: who counts the files shall know. One that was named is refused.
    private static string[] WithoutPhotos(Terminal terminal, string[] inputs)
    {
        var all = Inputs.Files(inputs);
        string[] files = [.. all.Where(file => inputs.Contains(file) || !Developer.IsDeveloped(file))];
        if (all.Count - files.Length is > 0 and var photos)
            terminal.Say($"genisp: left out, being developed already: {photos} {(photos == 1 ? "photo" : "photos")}");
        return files;
    }

    private static int Run(Terminal terminal, IReadOnlyList<string> files, bool json, CancellationToken cancellation)
    {
        var infos = new List<SensorInfo>();
        var code = Batch.Run(
            terminal, [.. files.Select(path => new InputFile(path, path))],
            file => infos.Add(SensorInfo.Of(file.Path, RawReader.Read(file.Path))), cancellation);
        if (json)
        {
            Json.Print(terminal, infos);
            return code;
        }
        foreach (var info in infos)
        {
            terminal.Out.WriteLine(info.File);
            foreach (var (name, value) in info.Lines())
                terminal.Out.WriteLine($"  {name,-15} {value}");
        }
        return code;
    }

    private sealed record SensorInfo(
        string File, string? Make, string? Model, int Width, int Height, string Cfa, double[] Black, double White, double[][]? XyzToCamera,
        double? Iso, [property: JsonPropertyName("exposure_s")] double? ExposureS, double[]? AsShotGains, int Orientation)
    {
        public static SensorInfo Of(string file, SensorImage image) => new(
            file, image.Capture.Make, image.Capture.Model, image.Width, image.Height, image.Cfa.ToString(),
            image.Levels.ToBlackArray(), image.Levels.White, image.XyzToCamera?.ToRows(), image.Capture.Iso, image.Capture.ExposureSeconds,
            image.AsShot is var (red, blue) ? [red, 1, blue] : null, (int)image.Orientation);

        public IEnumerable<(string Name, string Value)> Lines()
        {
            string Numbers(IEnumerable<double> values, string format) =>
                string.Join("  ", values.Select(value => value.ToString(format, CultureInfo.InvariantCulture)));
            yield return ("camera", $"{Make} {Model}".Trim() is { Length: > 0 } camera ? camera : "unknown");
            yield return ("size", $"{Width} × {Height}");
            yield return ("colour filters", Cfa);
            yield return ("black", Numbers(Black, "0.##"));
            yield return ("white", Numbers([White], "0.##"));
            if (XyzToCamera is null)
                yield return ("XYZ to camera", "missing");
            foreach (var (row, i) in (XyzToCamera ?? []).Select((row, i) => (row, i)))
                yield return (i == 0 ? "XYZ to camera" : "", Numbers(row, " 0.0000;-0.0000"));
            yield return ("as-shot gains", AsShotGains is null ? "missing" : Numbers(AsShotGains, "0.000"));
            yield return ("ISO", Iso is double iso ? Numbers([iso], "0") : "unknown");
            yield return ("exposure", ExposureS is double seconds ? Exposure(seconds) : "unknown");
            yield return ("orientation", Words((Orientation)Orientation));
        }

        private static string Words(Orientation orientation) => orientation switch
        {
            Geometry.Orientation.Upright => "upright as stored",
            Geometry.Orientation.Rotate90 => "turn by 90° clockwise",
            Geometry.Orientation.Rotate180 => "turn by 180°",
            Geometry.Orientation.Rotate270 => "turn by 90° counterclockwise",
            Geometry.Orientation.MirrorHorizontal => "mirror left to right",
            Geometry.Orientation.MirrorVertical => "mirror top to bottom",
            Geometry.Orientation.Transpose => "mirror at the falling diagonal",
            _ => "mirror at the rising diagonal",
        };

        private static string Exposure(double seconds) => seconds < 0.4
            ? FormattableString.Invariant($"1/{1 / seconds:0} s")
            : FormattableString.Invariant($"{seconds:0.##} s");
    }
}
