using System.CommandLine;
using System.Globalization;
using Google.Protobuf;

namespace GenIsp.Cli.Demo;

internal static class DemoCommand
{
    public static Command Create(Terminal terminal)
    {
        var output = new Option<string>("--output", "-o")
        {
            Description = "Folder for everything; where a demo was broken off, it goes on",
            DefaultValueFactory = _ => "genisp-demo",
            HelpName = "DIR",
        };
        var seed = Seed("The same seed gives the same streets, nights and weights", new DemoOptions().Seed);
        var command = new Command(
            "demo",
            "Shows the whole way, with nothing to download: draws streets, turns them into simulated night RAW files of two cameras, "
            + "trains GenISP on one camera under a small detector that comes along, and measures it beside the other ISPs on streets "
            + "that it never saw, on both cameras.") { output, seed, DetectorCommand(terminal) };
        command.WithExamples("genisp demo", "genisp demo --seed 2 -o another");
        command.SetAction((parsed, cancellation) => Task.FromResult(
            new DemoRun(terminal, parsed.GetValue(output)!, new DemoOptions { Seed = parsed.GetValue(seed) }).Execute(cancellation)));
        return command;
    }

    // Makes what ships as models/street.onnx.
    private static Command DetectorCommand(Terminal terminal)
    {
        var output = new Option<string>("--output", "-o")
        {
            Description = "Where to write the detector",
            Required = true,
            HelpName = "FILE.onnx",
        };
        var seed = Seed("The same seed and steps give the same streets and first weights", 0);
        var steps = new Option<int>("--steps") { Description = "Of two streets each", DefaultValueFactory = _ => 9000, HelpName = "N" };
        var command = new Command(
            "detector", "Trains the demo's detector anew, on streets by day. What ships was made by this command with its defaults.")
        {
            output, seed, steps,
        };
        command.SetAction((parsed, cancellation) =>
        {
            var file = parsed.GetValue(output)!;
            var progress = new StepProgress(terminal, parsed.GetValue(steps));
            var model = StreetDetectorTraining.Run(parsed.GetValue(seed), parsed.GetValue(steps), progress.Show, cancellation);
            AtomicFile.Write(file, model.WriteTo);
            terminal.Say($"{file}: trained");
            return Task.FromResult(CommandLine.Done);
        });
        return command;
    }

    private static Option<long> Seed(string description, long value) =>
        new("--seed") { Description = description, DefaultValueFactory = _ => value, HelpName = "N" };

    // On every hundredth step, the mean loss since the last.
    private sealed class StepProgress(Terminal terminal, int steps)
    {
        private const int Interval = 100;
        private double _sum;

        public void Show(int step, double loss)
        {
            _sum += loss;
            if (step % Interval != 0)
                return;
            terminal.Say(string.Create(CultureInfo.InvariantCulture, $"step {step}/{steps}  loss {_sum / Interval:0.000}"));
            _sum = 0;
        }
    }
}
