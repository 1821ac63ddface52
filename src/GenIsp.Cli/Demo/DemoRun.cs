using System.Diagnostics;
using System.Globalization;
using System.Text;
using GenIsp.Color;
using GenIsp.Data;
using GenIsp.Evaluation;
using GenIsp.Isp;
using GenIsp.Raw;
using GenIsp.Reporting;
using GenIsp.Training;

namespace GenIsp.Cli.Demo;

/// <summary>
/// The whole way in small: streets are drawn, become nights of two cameras, GenISP learns on one camera's, and all ISPs are measured on
/// streets that it never saw, on both. In a folder where it was broken off, it goes on.
/// </summary>
/// <param name="terminal">For progress and the table.</param>
/// <param name="folder">Where everything goes.</param>
/// <param name="options">How much.</param>
internal sealed class DemoRun(Terminal terminal, string folder, DemoOptions options)
{
    private const string TrainingCamera = "sony-rx100m7", UnseenCamera = "nikon-d750";
    private const string ByDay = "daylight photo", Trained = "genisp";
    private const int Stages = 4;

    private const string Honesty =
        "These streets are drawn and their nights simulated: this shows how GenISP works, not how well it does on real photos.";

    private const string Next =
        """
          genisp weights download yolox_nano
          genisp detect photo.arw --detector yolox_nano -o out
        """;

    // The pictures of all ISPs are as large as the scenes, which are as large as the detector's input.
    private static readonly SizeLimit Size = new(StreetScene.Width, StreetScene.Height);

    private readonly StreetSet _train = new(Path.Combine(folder, "day-train"), "train", options.TrainingScenes, options.Seed);
    private readonly StreetSet _test = new(Path.Combine(folder, "day-test"), "test", options.TestScenes, options.Seed);
    private readonly string _run = Path.Combine(folder, Trained);
    private readonly string _report = Path.Combine(folder, "report.html");
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private int _stage;

    /// <returns>The exit code.</returns>
    /// <exception cref="GenIspException">LibRaw is missing, the folder holds something else, or the disk is full.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; the next run goes on.</exception>
    public int Execute(CancellationToken cancellation)
    {
        // Better known before the work than after.
        _ = LibRaw.Instance;
        Say($"drawing {_train.Count} streets to learn from and {_test.Count} to measure on");
        _train.Write(terminal, cancellation);
        _test.Write(terminal, cancellation);

        Say($"turning these {_test.Count} into simulated nights: RAW files of two cameras");
        foreach (var camera in (string[])[TrainingCamera, UnseenCamera])
        {
            var simulation = new SimulationOptions(
                _test.Images, _test.Annotations, SimulatedCamera.Load(camera), options.Night, options.Seed);
            if (DatasetSimulateCommand.Run(terminal, Night(camera), simulation, cancellation) is not CommandLine.Done and var code)
                return code;
        }

        Say($"training GenISP on nights of the {TrainingCamera}: the detector, frozen, teaches it");
        Train(cancellation);

        Say("measuring what the detector finds through each ISP");
        var day = Measure(_test.Annotations, _test.Images, [Ready(ByDay, new LinearIsp())], "day", cancellation);
        var seen = MeasureNight(TrainingCamera, cancellation);
        var unseen = MeasureNight(UnseenCamera, cancellation);
        WriteReport(day, seen, unseen);
        Print(day.Evaluations[0], seen.Evaluations, unseen.Evaluations);
        AtomicFile.Write(Path.Combine(folder, "README.txt"), stream => stream.Write(Encoding.UTF8.GetBytes(WhatIsThere())));
        terminal.Say(string.Create(
            CultureInfo.InvariantCulture,
            $"{_report}: curves, tables and pictures to look at in a browser; all in {_clock.Elapsed.TotalMinutes:0.0} min"));
        terminal.Say($"{folder}/README.txt says what else is there. Next, a photo of yours:");
        terminal.Say(Next);
        return CommandLine.Done;
    }

    private void Say(string what) => terminal.Say($"{++_stage}/{Stages}  {what}");

    private string Night(string camera) => Path.Combine(folder, $"night-{camera}");

    private void Train(CancellationToken cancellation)
    {
        var recipe = options.Training with
        {
            Detector = options.Detector,
            Images = _train.Images,
            Annotations = _train.Annotations,
            Simulation = new NightSimulation { Cameras = [TrainingCamera], Night = options.Night },
            Seed = options.Seed,
        };
        using var progress = new TrainingProgress(terminal, recipe.Epochs);
        using var notice = cancellation.Register(() => terminal.Say("genisp: finishing the step, then saving; the same command goes on"));
        if (!TrainingRun.Execute(_run, recipe, RunDirectory.HoldsRun(_run), progress.Show, cancellation).IsComplete)
            throw new OperationCanceledException(cancellation);
    }

    private Measurement MeasureNight(string camera, CancellationToken cancellation) => Measure(
        Path.Combine(Night(camera), "annotations.json"), Path.Combine(Night(camera), "images"),
        [Ready("linear", new LinearIsp()), Ready("classical", new ClassicalIsp()), Ready(Trained, IspFile.Load(_run))],
        camera, cancellation);

    private static Developer Ready(string name, IIsp isp) =>
        new(new Way(name, isp, new LinearOptions { Cst = isp.Cst, MaxSize = Size }));

    private Measurement Measure(
        string annotations, string images, IReadOnlyList<Developer> isps, string name, CancellationToken cancellation)
    {
        var figures = Path.Combine(folder, "figures", name);
        OutputFolder.Prepare(figures, [], []);
        var dataset = CocoDataset.Read(annotations);
        using var rivals = Rivals.Load(terminal, dataset, isps, [options.Detector]);
        return rivals.Measure(
            terminal, AnnotatedFile.FindAll(dataset, [images]), (float)Validation.LowestScore, new CocoEvaluationOptions(),
            figures, cancellation)!;
    }

    private void WriteReport(Measurement day, Measurement seen, Measurement unseen) => ReportFile.Write(_report, new Report
    {
        Title = "GenISP's demo",
        Note = Honesty,
        Facts =
        [
            KeyValuePair.Create("learned from", $"{_train.Count} drawn streets, as nights of the {TrainingCamera}"),
            KeyValuePair.Create("measured on", $"{_test.Count} others, as nights of the {TrainingCamera} and of the {UnseenCamera}"),
            KeyValuePair.Create("detector", "trained on such streets by day, and frozen"),
            KeyValuePair.Create("seed", $"{options.Seed}"),
        ],
        Training = TrainingCurves.Read(_run),
        Evaluations =
        [
            seen.ToSection($"Night, {TrainingCamera}"), unseen.ToSection($"Night, {UnseenCamera}, which training never saw"),
            day.ToSection("Day: the photos that the nights were made of"),
        ],
    });

    private string WhatIsThere() =>
        $"""
        What genisp demo made.
        {Honesty}

        report.html         curves, tables and pictures: open it in a browser
        day-train, day-test the streets by day: pictures, and boxes in COCO's format
        night-*             the streets of day-test as RAW files (DNG) of two cameras at night
        genisp              the training run, and the GenISP that came of it, for --isp
        figures             what was found through each ISP, and the figures, in COCO's formats

        The same command with this folder goes on where it was broken off, and measures again what is there.
        To look at a night as GenISP learned to develop it:

          genisp develop {Night(UnseenCamera)}/images --isp {_run} -o developed

        And a photo of yours, with the GenISP that ships:

        {Next}

        """;

    private void Print(Evaluation day, IReadOnlyList<Evaluation> seen, IReadOnlyList<Evaluation> unseen)
    {
        static string Figures(Evaluation one) => FormattableString.Invariant($"{100 * one.All.AP,8:0.0}{100 * one.All.AP50,8:0.0}");
        terminal.Out.WriteLine();
        terminal.Out.WriteLine($"{"",-20}{TrainingCamera,16}{UnseenCamera + ", unseen",20}");
        terminal.Out.WriteLine($"{"",-20}{"AP",8}{"AP50",8}    {"AP",8}{"AP50",8}");
        foreach (var (a, b) in seen.Zip(unseen))
            terminal.Out.WriteLine($"{a.Isp,-20}{Figures(a)}    {Figures(b)}");
        terminal.Out.WriteLine($"{day.Isp,-20}{Figures(day)}    {Figures(day)}");
        terminal.Out.WriteLine();
        terminal.Out.WriteLine(
            $"Percent, of {day.All.Boxes} people, bicycles and cars in {day.All.Images} streets that training never saw.");
        terminal.Out.WriteLine(Honesty);
    }
}
