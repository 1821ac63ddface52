using System.CommandLine;
using GenIsp.Isp;
using GenIsp.Reporting;
using GenIsp.Training;

namespace GenIsp.Cli;

internal static class TrainCommand
{
    public static Command Create(Terminal terminal)
    {
        var output = new Option<string>("--output", "-o") { Description = "Folder of the run", Required = true, HelpName = "DIR" };
        var resume = new Option<bool>("--resume") { Description = "Go on with the run in the folder" };
        var cacheSize = CacheOption.Create();
        var device = DeviceOption.Create("GenISP and the detector compute, now and not for good");
        var recipe = new TrainingRecipe();
        var command = new Command(
            "train",
            "Trains GenISP under a frozen detector: on RAW files, or on photos that become simulated nights. Options come from the recipe, "
            + "then from --options, then from the command line, and are saved in the folder. Ctrl-C ends after the step in work, and "
            + "--resume goes on to the same weights as an uninterrupted run. The folder is an ISP: genisp detect photo.arw --isp RUN.")
            { output, resume };
        recipe.AddTo(command);
        command.Add(cacheSize);
        command.Add(device);
        command.WithExamples(
            "genisp train --images train --annotations train.json --val-images val --val-annotations val.json --detector retinanet.pth "
                + "-o run",
            "genisp train --simulate sony-rx100m7 --recipe night --images train2017 --annotations instances_train2017.json --detector "
            + "yolox_nano.onnx -o run",
            "genisp train --resume -o run");
        command.Action = new SharedAction(terminal, (parsed, terminal, world, cancellation) =>
        {
            SharedAction.ShareCores(terminal, world);
            var where = DeviceOption.Open(parsed.GetValue(device));
            var (folder, goesOn) = (parsed.GetValue(output)!, parsed.GetValue(resume));
            var options = recipe.Apply(parsed, goesOn ? TrainingRun.OptionsOf(folder) : null);
            if (TrainingChecks.MissingOf(options) is { Count: > 0 } missing)
            {
                var named = string.Join(", ", missing.Select(key => $"--{key}"));
                if (world.IsFirst)
                    terminal.Say($"genisp: train needs {named}, here or in the file of --options. See genisp train --help.");
                return CommandLine.WrongUsage;
            }
            var cache = CacheOption.Open(terminal, parsed.GetValue(cacheSize));
            TrainingResult result;
            using (var progress = new TrainingProgress(terminal, options.Epochs))
            using (cancellation.Register(() => terminal.Say(world.Size == 1
                ? "genisp: finishing the step, then saving"
                : $"genisp: ending all {world.Size} processes. The steps made are saved: go on by genisp train --resume -o {folder}")))
            {
                result = TrainingRun.Execute(folder, options, goesOn, news =>
                {
                    progress.Show(news);
                    // A long run is worth a look while it goes on.
                    if (news is TrainingEvent.EpochDone)
                        WriteReport(folder);
                }, cancellation, world, cache, where);
            }
            if (world.IsFirst)
                WriteReport(folder);
            CacheOption.SayUse(terminal, world, cache);
            if (result.IsComplete)
                SayWhatIsThere(terminal, folder, options, result);
            else
                terminal.Say($"{folder}: saved after step {result.Steps}. Go on by genisp train --resume -o {folder}");
            return result.IsComplete ? CommandLine.Done : CommandLine.Cancelled;
        });
        return command;
    }

    private static void SayWhatIsThere(Terminal terminal, string folder, TrainingOptions options, TrainingResult result)
    {
        var networks = File.Exists(Path.Combine(folder, IspFile.BestOfRun))
            ? $"{IspFile.BestOfRun} is of the epoch with the highest AP, {IspFile.LastOfRun} of the last"
            : $"{IspFile.LastOfRun} is the network";
        terminal.Say($"{folder}: trained, {result.Steps} steps. {networks}; report.html charts the way there");
        terminal.Say($"Next: genisp detect photo.arw --detector {options.Detector} --isp {folder} -o out");
        terminal.Say(
            $"  or: genisp evaluate --images DIR --annotations FILE --detector {options.Detector} --isp classical --isp {folder} -o figures");
    }

    private static void WriteReport(string folder)
    {
        var options = TrainingRun.OptionsOf(folder);
        ReportFile.Write(Path.Combine(folder, "report.html"), new Report
        {
            Title = $"Training of {Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)))}",
            Facts =
            [
                KeyValuePair.Create("detector", Path.GetFileName(options.Detector)),
                KeyValuePair.Create("precision", PrecisionOption.NameOf(options.Precision)),
                KeyValuePair.Create("learned from", Path.GetFileName(options.Annotations)),
                KeyValuePair.Create("measured on", options.ValidationAnnotations is { } file ? Path.GetFileName(file) : "nothing"),
                KeyValuePair.Create("simulated night", options.Simulation is { } night ? string.Join(", ", night.Cameras) : "no"),
                KeyValuePair.Create("epochs", $"{options.Epochs}"),
                KeyValuePair.Create("images a step", $"{options.BatchSize}"),
                KeyValuePair.Create("seed", $"{options.Seed}"),
            ],
            Training = TrainingCurves.Read(folder),
        });
    }
}
