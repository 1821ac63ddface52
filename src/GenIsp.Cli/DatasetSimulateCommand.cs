using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using GenIsp.Data;

namespace GenIsp.Cli;

internal static class DatasetSimulateCommand
{
    public static Command Create(Terminal terminal)
    {
        var images = new Option<string>("--images") { Description = "Folder of the photos", Required = true, HelpName = "DIR" };
        var annotations = new Option<string>("--annotations")
        {
            Description = "Their COCO annotations",
            Required = true,
            HelpName = "FILE",
        };
        var output = new Option<string>("--output", "-o") { Description = "Folder for the data set", Required = true, HelpName = "DIR" };
        var camera = new Option<string>("--camera")
        {
            Description = "Whose levels, colour filters and matrix: a name, or a JSON file",
            DefaultValueFactory = _ => "sony-rx100m7",
            HelpName = $"{string.Join('|', SimulatedCamera.PresetNames)}|FILE.json",
        };
        camera.CompletionSources.Add([.. SimulatedCamera.PresetNames]);
        var (darkness, noise, neutral) = (NightOption.Darkness(), NightOption.Noise(), NightOption.NeutralLight());
        var seed = new Option<long>("--seed") { Description = "With each photo's name, it determines its night", HelpName = "N" };
        var command = new Command(
            "simulate",
            "Turns photos into RAW files of a camera at night: DNGs that any RAW developer opens, with annotations in their frame. "
            + "A second run with the same options goes on where the first one ended.")
            { images, annotations, output, camera, darkness, noise, neutral, seed }.WithExamples(
                "genisp dataset simulate --images val2017 --annotations instances_val2017.json -o night",
                "genisp dataset simulate --images val2017 --annotations instances_val2017.json -o hard --camera nikon-d750 --noise hard");
        command.SetAction((parsed, cancellation) =>
        {
            var options = new SimulationOptions(
                parsed.GetValue(images)!, parsed.GetValue(annotations)!, SimulatedCamera.Load(parsed.GetValue(camera)!),
                new NightOptions
                {
                    Darkness = parsed.GetValue(darkness) ?? new NightOptions().Darkness,
                    ShotNoise = parsed.GetValue(noise) ?? NightOptions.ModerateNoise,
                    Illuminant = !parsed.GetValue(neutral),
                },
                parsed.GetValue(seed));
            return Task.FromResult(Run(terminal, parsed.GetValue(output)!, options, cancellation));
        });
        return command;
    }

    public static int Run(Terminal terminal, string folder, SimulationOptions options, CancellationToken cancellation)
    {
        var dataset = SimulatedDataset.Open(folder, options);
        var photos = dataset.Photos.ToDictionary(dataset.PathOf);
        var started = Stopwatch.GetTimestamp();
        var (made, kept) = (0, 0);
        var code = Batch.Run(
            terminal, [.. photos.Keys.Select(path => new InputFile(path, photos[path].NewName))],
            file =>
            {
                if (dataset.Simulate(photos[file.Path]))
                    Interlocked.Increment(ref made);
                else
                    Interlocked.Increment(ref kept);
            },
            cancellation, Environment.ProcessorCount);
        if (code == CommandLine.Cancelled)
            return code;
        dataset.Finish();
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        terminal.Say(string.Create(
            CultureInfo.InvariantCulture, $"{folder}: {made} of {photos.Count} RAW files made, {kept} kept, in {seconds:0.00} s"));
        return code;
    }
}
