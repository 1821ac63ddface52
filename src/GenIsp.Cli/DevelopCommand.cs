using System.CommandLine;
using GenIsp.Imaging;

namespace GenIsp.Cli;

internal static class DevelopCommand
{
    private enum Format
    {
        Png,
        Jpeg,
        Npy,
    }

    public static Command Create(Terminal terminal)
    {
        var inputs = InputArgument.Create("INPUT", "RAW files, mosaics with a sidecar, photos, or folders");
        var output = new Option<string>("--output", "-o") { Description = "Folder for the pictures", Required = true, HelpName = "DIR" };
        var format = Choice.Optional(
            "--format", "Of the pictures: png unless given; npy holds the float32 values [3, H, W], not clamped",
            ("png", Format.Png), ("jpeg", Format.Jpeg), ("npy", Format.Npy));
        var development = new DevelopmentOptions();
        var command = new Command(
            "develop",
            "Develops RAW photos into pictures.") { inputs, output, format }.WithExamples(
                "genisp develop photo.arw -o out",
                "genisp develop photos/ -o out --isp genisp.safetensors --format jpeg",
                "genisp develop photo.dng -o out --isp linear --max-size full --format npy");
        development.AddTo(command);
        command.Action = new SharedAction(terminal, (parsed, terminal, world, cancellation) =>
        {
            var folder = parsed.GetValue(output)!;
            var ending = parsed.GetValue(format) switch { Format.Jpeg => ".jpg", Format.Npy => ".npy", _ => ".png" };
            var files = Inputs.Named(parsed.GetValue(inputs)!);
            using var developer = development.Load(parsed);
            OutputFolder.Prepare(folder, parsed.GetValue(inputs)!, files.Select(file => file.OutputStem + ending));
            var clock = new StageClock();
            var code = Batch.Run(
                terminal, files,
                file =>
                {
                    var picture = developer.Develop(file.Path, clock);
                    clock.Finish("write", () => Write(Path.Combine(folder, file.OutputStem + ending), picture));
                },
                cancellation, world: world);
            clock.Say(terminal, world, folder);
            developer.SayChoices(terminal, world);
            return code;
        });
        return command;
    }

    private static void Write(string path, RgbImage picture)
    {
        switch (Path.GetExtension(path))
        {
            case ".npy":
                PictureFile.WriteNpy(path, picture);
                break;
            case ".jpg":
                PictureFile.WriteJpeg(path, picture);
                break;
            default:
                PictureFile.WritePng(path, picture);
                break;
        }
    }
}
