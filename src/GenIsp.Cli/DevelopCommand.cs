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
        var inputs = new Argument<string[]>("INPUT")
        {
            Description = "RAW files, mosaics with a sidecar, photos, or folders",
            Arity = ArgumentArity.OneOrMore,
        };
        var output = new Option<string>("--output", "-o") { Description = "Folder for the pictures", Required = true, HelpName = "DIR" };
        var format = Choice.Optional(
            "--format", "Of the pictures: png unless given; npy holds the float32 values [3, H, W], not clamped",
            ("png", Format.Png), ("jpeg", Format.Jpeg), ("npy", Format.Npy));
        var development = new DevelopmentOptions();
        var command = new Command(
            "develop",
            "Develops RAW photos into pictures.") { inputs, output, format }.WithExamples(
                "genisp develop photo.arw -o out",
                "genisp develop photos/ -o out --isp run/best.safetensors --format jpeg",
                "genisp develop photo.dng -o out --isp linear --max-size full --format npy");
        development.AddTo(command);
        command.SetAction((parsed, cancellation) =>
        {
            var folder = parsed.GetValue(output)!;
            var files = Inputs.Expand(parsed.GetValue(inputs)!);
            using var developer = development.Load(parsed);
            Batch.Prepare(folder);
            var clock = new StageClock();
            var code = Batch.Run(
                terminal, files,
                file =>
                {
                    var picture = developer.Develop(file.Path, clock);
                    clock.Measure("write", () => Write(Path.Combine(folder, file.OutputStem), picture, parsed.GetValue(format) ?? Format.Png));
                },
                cancellation);
            terminal.Say($"{folder}: {clock}");
            return Task.FromResult(code);
        });
        return command;
    }

    private static void Write(string stem, RgbImage picture, Format format)
    {
        switch (format)
        {
            case Format.Npy:
                PictureFile.WriteNpy(stem + ".npy", picture);
                break;
            case Format.Jpeg:
                PictureFile.WriteJpeg(stem + ".jpg", picture);
                break;
            default:
                PictureFile.WritePng(stem + ".png", picture);
                break;
        }
    }
}
