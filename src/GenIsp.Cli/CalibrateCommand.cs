using System.CommandLine;
using System.Globalization;
using GenIsp.Data;
using GenIsp.Evaluation;
using GenIsp.Isp;
using GenIsp.Raw;
using GenIsp.Training;
using GenIsp.Weights;

namespace GenIsp.Cli;

internal static class CalibrateCommand
{
    public static Command Create(Terminal terminal)
    {
        var isp = new Option<string>("--isp") { Description = "A .safetensors file or a training run's folder", Required = true, HelpName = "ISP" };
        var images = new Option<string[]>("--images")
        {
            Description = "Folders with RAW files from bright to dark, none of which is used to measure later",
            Required = true,
            AllowMultipleArgumentsPerToken = true,
            HelpName = "DIR",
        };
        var annotations = new Option<string>("--annotations") { Description = "Their COCO annotations", Required = true, HelpName = "FILE" };
        var detector = new Option<string>("--detector", "-d") { Description = "The detector that judges", Required = true, HelpName = "FILE" };
        var output = new Option<string>("--output", "-o")
        {
            Description = "The .safetensors file to write: the ISP with the threshold in its metadata",
            Required = true,
            HelpName = "FILE",
        };
        var command = new Command(
            "calibrate",
            "Finds the signal-to-noise ratio below which GenISP serves a detector better than the classical ISP, for --isp auto.")
        {
            isp, images, annotations, detector, output,
        }.WithExamples(
            "genisp calibrate --isp run --images night/images --annotations night/annotations.json --detector yolox_nano.onnx "
            + "-o genisp-night.safetensors");
        command.SetAction((parsed, cancellation) =>
        {
            var weights = IspFile.ReadWeights(parsed.GetValue(isp)!);
            var dataset = CocoDataset.Read(parsed.GetValue(annotations)!);
            var files = AnnotatedFile.FindAll(dataset, parsed.GetValue(images)!);
            using var noisy = Way.Of("genisp", IspFile.Load(parsed.GetValue(isp)!));
            using var bright = Way.Of("classical", new ClassicalIsp());
            using var judge = NamedDetector.Load(terminal, dataset, parsed.GetValue(detector)!, "detector");
            var seen = new List<ImageSeenTwice>();
            ProgressBar.Run(terminal, files.Count, bar =>
            {
                foreach (var file in files)
                {
                    cancellation.ThrowIfCancellationRequested();
                    bar.Show(file.Path);
                    seen.Add(See(file, noisy, bright, judge));
                    bar.Advance();
                }
            });
            var (threshold, ap) = AutoThreshold.Find(dataset, seen);
            weights.Metadata[GenIspOptions.AutoBelowKey] = threshold.ToString("0.00", CultureInfo.InvariantCulture);
            SafetensorsFile.Write(parsed.GetValue(output)!, weights);
            terminal.Say(string.Create(
                CultureInfo.InvariantCulture,
                $"{parsed.GetValue(output)}: GenISP below {threshold:0.00} dB, AP {100 * ap:0.0} % on these images"));
            return Task.FromResult(CommandLine.Done);
        });
        return command;
    }

    private static ImageSeenTwice See(AnnotatedFile file, Way noisy, Way bright, NamedDetector judge)
    {
        var sensor = RawReader.Read(file.Path);
        var frame = AnnotationFrame.In(sensor, file.Image);
        IReadOnlyList<CocoDetection> Through(Way way) =>
            judge.Detect(way.Develop(sensor, frame.Crop), frame, file.Image, (float)Validation.LowestScore);
        return new ImageSeenTwice(SignalToNoise.Measure(sensor), Through(noisy), Through(bright));
    }
}
