using System.CommandLine;
using GenIsp.Detection.OnnxGraph;
using GenIsp.Downloads;
using GenIsp.Isp;
using GenIsp.Weights;

namespace GenIsp.Cli;

internal static class WeightsCommand
{
    public static Command Create(Terminal terminal) => new("weights", "Downloads weights, looks into files of them, and converts them.")
    {
        CreateInspect(terminal),
        CreateConvert(terminal),
        WeightsDownloadCommand.Create(terminal),
    };

    private static Command CreateInspect(Terminal terminal)
    {
        var file = new Argument<string>("FILE") { Description = "A .pth, .safetensors or .onnx file, or the name of downloaded weights" };
        var json = new Option<bool>("--json") { Description = "Print one JSON document" };
        var command = new Command(
            "inspect",
            "Lists the tensors of a file. Nothing in it is run.") { file, json }.WithExamples(
                "genisp weights inspect retinanet_resnet50_fpn_v2_coco-5905b1c5.pth",
                "genisp weights inspect yolox_nano.onnx --json");
        command.SetAction(parsed =>
        {
            var path = KnownWeights.Locate(parsed.GetValue(file)!);
            var format = WeightsFile.FormatOf(path).ToString().ToLowerInvariant();
            var weights = Read(path);
            if (parsed.GetValue(json))
            {
                Json.Print(terminal, new
                {
                    File = path,
                    Format = format,
                    weights.Metadata,
                    Tensors = weights.Select(pair => new { Name = pair.Key, pair.Value.Shape, Dtype = Name(pair.Value.Type) }),
                });
                return CommandLine.Done;
            }
            var values = weights.Values.Sum(tensor => (long)tensor.Count);
            terminal.Out.WriteLine($"{path}: {format}, {weights.Count} tensors, {values:N0} values");
            foreach (var (key, value) in weights.Metadata)
                terminal.Out.WriteLine(Terminal.Printable($"  {key} = {value}"));
            var width = weights.Count == 0 ? 0 : weights.Keys.Max(name => name.Length);
            foreach (var (name, tensor) in weights)
            {
                var shape = string.Join(", ", tensor.Shape);
                terminal.Out.WriteLine($"  {Terminal.Printable(name).PadRight(width)}  {Name(tensor.Type),-8}  [{shape}]");
            }
            return CommandLine.Done;
        });
        return command;
    }

    private static Command CreateConvert(Terminal terminal)
    {
        var source = new Argument<string>("SOURCE")
        {
            Description = "A .pth or .onnx file, the name of downloaded weights, or a folder with the Delft .pth files",
        };
        var output = new Option<string>("--output", "-o")
        {
            Description = "The .safetensors file to write",
            Required = true,
            HelpName = "FILE",
        };
        var command = new Command(
            "convert",
            "Writes the tensors of any readable file as safetensors. From the Delft files it makes an ISP for --isp.")
            { source, output }.WithExamples(
                "genisp weights convert genisp-jptolen/ -o delft.safetensors",
                "genisp weights convert detector.pth -o detector.safetensors");
        command.SetAction(parsed =>
        {
            var (from, to) = (KnownWeights.Locate(parsed.GetValue(source)!), parsed.GetValue(output)!);
            if (!Path.GetExtension(to).Equals(".safetensors", StringComparison.OrdinalIgnoreCase))
                throw new GenIspException($"{to} must end in .safetensors: that is what is written.");
            var weights = Directory.Exists(from) ? IspFile.ReadWeights(from) : Read(from);
            SafetensorsFile.Write(to, weights);
            terminal.Say($"{to}: {weights.Count} tensors");
            return CommandLine.Done;
        });
        return command;
    }

    private static StateDict Read(string path) =>
        WeightsFile.FormatOf(path) == WeightsFormat.Onnx ? OnnxFile.ReadInitializers(path) : WeightsFile.Read(path);

    private static string Name(TensorType type) => type.ToString().ToLowerInvariant();
}
