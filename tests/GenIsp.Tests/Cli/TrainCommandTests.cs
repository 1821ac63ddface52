using System.CommandLine;
using GenIsp.Cli;
using GenIsp.Color;
using GenIsp.Data;
using GenIsp.Detection;
using GenIsp.Isp;
using GenIsp.Tests.Training;
using GenIsp.Training;
using Spectre.Console;

namespace GenIsp.Tests.Cli;

public sealed class TrainCommandTests : IDisposable
{
    private readonly TinyPhotos _photos = TinyPhotos.Create();

    public TrainCommandTests() => TrainingOptionsFile.Write(_photos["quick.json"], new TrainingOptions { Network = TinyPhotos.Quick });

    public void Dispose() => _photos.Dispose();

    [Fact]
    public async Task A_run_from_start_to_end()
    {
        var run = await CommandRun.Of(
            ["train", .. Data, "--val-images", _photos["val"], "--val-annotations", _photos["val.json"], "--epochs", "1"]);

        run.Code.ShouldBe(0, run.Error);
        run.Error.ShouldContain("genisp: " + _photos["train.json"] + ": the detector does not know lantern");
        run.Error.ShouldContain("3 images, 1 epochs, 1 steps");
        run.Error.ShouldMatch(@"epoch 1/1  loss \d+\.\d{3}  AP \d+\.\d %  AP50 \d+\.\d %  best so far  \(.*validation \d+\.\d.* s\)");
        run.Error.ShouldMatch(@"waited for data \d+\.\d % of the time \(\d+\.\d s\)");
        run.Error.ShouldNotContain("from the cache", Case.Sensitive, "each night is another one");
        run.Error.ShouldContain($"{_photos["run"]}: trained, 1 steps. best.safetensors is of the epoch with the highest AP");
        run.Error.ShouldContain($"Next: genisp detect photo.arw --detector {_photos["tiny.onnx"]} --isp {_photos["run"]} -o out");
        run.Error.ShouldNotContain("\u001b", Case.Sensitive, "nobody looks at a screen");
        run.Out.ShouldBe("");
        File.Exists(_photos["run/best.safetensors"]).ShouldBeTrue();
        File.ReadAllText(_photos["run/report.html"]).ShouldContain("\"epochs\":[[1,");
    }

    [Fact]
    public async Task An_evaluation_in_a_runs_folder_adds_to_its_report()
    {
        await CommandRun.Of(["train", .. Data, "--epochs", "1"]);

        var run = await CommandRun.Of(
            "evaluate", "--images", _photos["val"], "--annotations", _photos["val.json"], "--detector", _photos["tiny.onnx"],
            "-o", _photos["run"]);

        run.Code.ShouldBe(0, run.Error);
        var report = File.ReadAllText(_photos["run/report.html"]);
        report.ShouldContain("Evaluation on val.json");
        report.ShouldContain("\"steps\":[[");
    }

    [Fact]
    public async Task RAW_files_are_decoded_once_for_all_epochs_and_runs_unless_the_cache_is_off()
    {
        _photos.ToMosaics("train");
        async Task<string> Train(string run, params string[] options)
        {
            var done = await CommandRun.Of(
            [
                "train", "--images", _photos["train"], "--annotations", _photos["train.json"], "--detector", _photos["tiny.onnx"], "--options",
                _photos["quick.json"], "--epochs", "2", "-o", _photos[run], .. options,
            ]);
            done.Code.ShouldBe(0, done.Error);
            return done.Error;
        }

        // Each epoch of three images also shows what becomes of them.
        (await Train("cold")).ShouldContain("9 images came from the cache, 3 were decoded");
        (await Train("warm")).ShouldContain("12 images came from the cache, 0 were decoded");
        (await Train("off", "--cache-size", "0")).ShouldNotContain("from the cache");
    }

    [Fact]
    public async Task On_a_screen_a_line_shows_each_step_and_Ctrl_C_saves_what_resume_goes_on_with()
    {
        using var cancellation = new CancellationTokenSource();
        using var screen = new Screen(text =>
        {
            if (text.Contains("step 1/4"))
                cancellation.Cancel();
        });

        var code = await CommandLine.RunAsync(
            ["train", .. Data, "--epochs", "2", "--batch", "2"], new Terminal(TextWriter.Null, screen.Console), cancellation.Token);

        code.ShouldBe(130, screen.Text);
        screen.Text.ShouldContain("\r\u001b[2Kepoch 1/2 ━━━━━━──────────────────");
        screen.Text.ShouldContain("images/s");
        screen.Text.ShouldContain("genisp: finishing the step, then saving");
        screen.Text.ShouldContain($"{_photos["run"]}: saved after step 1. Go on by genisp train --resume -o {_photos["run"]}");

        var changed = await CommandRun.Of("train", "--resume", "-o", _photos["run"], "--rate", "0.5");
        changed.Code.ShouldBe(1);
        changed.Error.ShouldContain("Changed: learning_rate: 0.01 → 0.5.");

        var resumed = await CommandRun.Of("train", "--resume", "-o", _photos["run"]);
        resumed.Code.ShouldBe(0, resumed.Error);
        resumed.Error.ShouldContain("3 images, 2 epochs, 4 steps, from step 1 on");
        resumed.Error.ShouldContain("trained, 4 steps");

        var done = await CommandRun.Of("train", "--resume", "-o", _photos["run"]);
        done.Code.ShouldBe(0, done.Error);
        done.Error.ShouldContain("4 steps, all made already");

        var again = await CommandRun.Of(["train", .. Data]);
        again.Code.ShouldBe(1);
        again.Error.ShouldContain("holds a training run already");
    }

    [Fact]
    public async Task Help_has_examples()
    {
        var run = await CommandRun.Of("train", "--help");

        run.Code.ShouldBe(0);
        run.Out.ShouldContain("genisp train --resume -o run");
        run.Out.ShouldContain("--recipe <paper|night>");
        run.Out.ShouldContain("[default: paper]");
    }

    [Theory]
    [InlineData("'--output'")]
    [InlineData("--epochs is '1.5', but must be a number without a fraction", "--epochs", "1.5")]
    [InlineData("--rate is 'fast', but must be a number", "--rate", "fast")]
    [InlineData("--recipe is 'soup', but must be paper or night", "--recipe", "soup")]
    [InlineData("'10' is no size such as 1333x800", "--max-size", "10")]
    [InlineData("'9..1' is no range", "--darkness", "9..1")]
    [InlineData("--cache-size is 'much', but must be a size such as 500MB, or 0", "--cache-size", "much")]
    [InlineData("Did you mean --epochs?", "--epoch", "3")]
    [InlineData("train needs --images, --annotations, here or in the file of --options", "--detector", "none.onnx")]
    public async Task Wrong_usage_is_said(string message, params string[] options)
    {
        string[] output = options.Length > 0 ? ["-o", _photos["run"]] : [];

        var run = await CommandRun.Of(["train", .. output, .. options]);

        run.Code.ShouldBe(2);
        run.Error.ShouldContain(message);
        run.Error.ShouldContain("See genisp train --help");
    }

    [Theory]
    [InlineData("\"learning_rate\" is 20, but must be from 0 to 10.", "--rate", "20")]
    [InlineData("--darkness is for simulated nights: add --simulate CAMERA.", "--darkness", "2..5")]
    [InlineData("--neutral-light is for simulated nights: add --simulate CAMERA.", "--neutral-light")]
    [InlineData("none.json does not exist", "--options", "none.json")]
    [InlineData("holds no training run to go on with", "--resume")]
    public async Task What_cant_be_trained_fails(string message, params string[] options)
    {
        var run = await CommandRun.Of(["train", "-o", _photos["run"], .. options]);

        run.Code.ShouldBe(1);
        run.Error.ShouldContain(message);
        Directory.Exists(_photos["run"]).ShouldBeFalse();
    }

    [Fact]
    public void Every_option_of_the_command_line_is_one_of_the_training_options()
    {
        var options = Apply(
            null, "--detector", "d", "--images", "i", "--annotations", "a", "--val-images", "vi", "--val-annotations", "va", "--val-every",
            "2", "--simulate", "sony-rx100m7, own.json", "--darkness", "2..5", "--noise", "hard", "--neutral-light", "--epochs", "3",
            "--batch", "4", "--rate", "0.5", "--schedule", "cosine", "--warm-up", "6", "--clip", "7", "--averaging", "0.8",
            "--initialization", "identity", "--cst", "none", "--max-size", "480x640", "--flip", "0.1", "--brightness", "0.3", "--contrast", "0.4", "--box-loss", "giou",
            "--color-loss", "0.9", "--seed", "-10");

        var expected = new TrainingOptions
        {
            Detector = "d",
            Images = "i",
            Annotations = "a",
            ValidationImages = "vi",
            ValidationAnnotations = "va",
            ValidationInterval = 2,
            Simulation = new NightSimulation
            {
                Cameras = ["sony-rx100m7", "own.json"],
                Night = new NightOptions { Darkness = new LogRange(2, 5), ShotNoise = NightOptions.HardNoise, Illuminant = false },
            },
            Epochs = 3,
            BatchSize = 4,
            LearningRate = 0.5,
            Schedule = Schedule.Cosine,
            WarmUpSteps = 6,
            ClipNorm = 7,
            AveragingDecay = 0.8,
            Initialization = GenIspInitialization.Identity,
            Network = new GenIspOptions { Cst = CstDirection.None, MaxSize = new SizeLimit(640, 480) },
            FlipProbability = 0.1,
            Brightness = 0.3,
            Contrast = 0.4,
            Loss = new DetectionLossOptions { BoxLoss = BoxLoss.GIoU },
            ColorLossWeight = 0.9,
            Seed = -10,
        };
        TrainingOptionsFile.Differences(expected, options).ShouldBeEmpty();
    }

    [Fact]
    public void The_command_line_lies_over_the_file_and_that_over_the_recipe()
    {
        File.WriteAllText(_photos["options.json"], """{"epochs": 9, "clip_norm": 2}""");

        TrainingOptionsFile.Differences(TrainingOptions.Paper, Apply(null)).ShouldBeEmpty();
        TrainingOptionsFile.Differences(TrainingOptions.Paper, Apply(null, "--recipe", "paper")).ShouldBeEmpty();
        TrainingOptionsFile.Differences(TrainingOptions.Night, Apply(null, "--recipe", "night")).ShouldBeEmpty();
        var all = Apply(null, "--recipe", "night", "--options", _photos["options.json"], "--epochs", "4");
        TrainingOptionsFile.Differences(TrainingOptions.Night, all).ShouldBe(["epochs: 39 → 4", "clip_norm: 5 → 2"]);
    }

    [Fact]
    public void A_resumed_runs_options_stay_unless_others_are_given()
    {
        var resumed = TrainingOptions.Night with { Simulation = new NightSimulation { Cameras = ["nikon-d750"] }, Seed = 4 };

        TrainingOptionsFile.Differences(resumed, Apply(resumed)).ShouldBeEmpty();
        TrainingOptionsFile.Differences(resumed, Apply(resumed, "--noise", "1e-3")).ShouldBe(
            ["simulation.night.shot_noise: \"0.0001..0.001\" → \"0.001..0.001\""]);
        TrainingOptionsFile.Differences(resumed, Apply(resumed, "--recipe", "paper")).Count.ShouldBeGreaterThan(5);
    }

    private string[] Data =>
    [
        "--images", _photos["train"], "--annotations", _photos["train.json"], "--detector", _photos["tiny.onnx"], "--simulate",
        "sony-rx100m7", "--options", _photos["quick.json"], "-o", _photos["run"],
    ];

    private static TrainingOptions Apply(TrainingOptions? resumed, params string[] args)
    {
        var recipe = new TrainingRecipe();
        var command = new Command("train");
        recipe.AddTo(command);
        var parsed = command.Parse(args);
        parsed.Errors.ShouldBeEmpty();
        return recipe.Apply(parsed, resumed);
    }

    /// <summary>A terminal that somebody looks at.</summary>
    private sealed class Screen : IDisposable
    {
        private readonly Watched _writer;

        public Screen(Action<string> watch)
        {
            _writer = new Watched(watch);
            Console = AnsiConsole.Create(new AnsiConsoleSettings
            {
                Ansi = AnsiSupport.Yes,
                Interactive = InteractionSupport.Yes,
                Out = new AnsiConsoleOutput(_writer),
            });
            Console.Profile.Width = 160;
        }

        public IAnsiConsole Console { get; }

        public string Text => _writer.ToString();

        public void Dispose() => _writer.Dispose();

        private sealed class Watched(Action<string> watch) : StringWriter
        {
            public override void Write(string? value)
            {
                base.Write(value);
                watch(value ?? "");
            }
        }
    }
}
