using System.Security.Cryptography;
using System.Text.Json.Nodes;
using GenIsp.Color;
using GenIsp.Data;
using GenIsp.Detection;
using GenIsp.Isp;
using GenIsp.Training;
using GenIsp.Weights;

namespace GenIsp.Tests.Training;

public sealed class TrainingRunTests(TrainingRunTests.FinishedRun finished) : IClassFixture<TrainingRunTests.FinishedRun>, IDisposable
{
    private readonly TinyPhotos _photos = TinyPhotos.Create();
    private readonly List<TrainingEvent> _events = [];

    public void Dispose() => _photos.Dispose();

    [Fact]
    public void A_run_leaves_its_options_its_networks_its_state_and_its_logs()
    {
        Names(finished.Run).ShouldBe(
            ["best.safetensors", "last.safetensors", "log.jsonl", "options.json", "state.safetensors"], ignoreOrder: true);
        Directory.GetFiles(finished.Run, "events.out.tfevents.*").ShouldHaveSingleItem();
        finished.Result.ShouldBe(new TrainingResult(true, 4));
        TrainingOptionsFile.Differences(TrainingRun.OptionsOf(finished.Run), finished.Options)
            .ShouldBe(["network.max_size: \"64x64\" → null"]);
    }

    [Fact]
    public void A_camera_without_a_name_is_refused()
    {
        var options = finished.Options with { Simulation = new NightSimulation { Cameras = ["sony-rx100m7", null!] } };

        Should.Throw<GenIspException>(() => TrainingRun.Execute(_photos["run"], options, resume: false, _ => { }, default)).Message
            .ShouldContain("\"cameras\"");
    }

    [Fact]
    public void It_tells_what_it_does()
    {
        var events = finished.Events;

        events.OfType<TrainingEvent.Started>().ShouldHaveSingleItem().ShouldBe(
            new TrainingEvent.Started(3, 4, 0, DetectorPrecision.Float32));
        events.OfType<TrainingEvent.StepDone>().Select(step => (step.Epoch, step.Step, step.Images))
            .ShouldBe([(1, 1, 2), (1, 2, 1), (2, 3, 2), (2, 4, 1)]);
        events.OfType<TrainingEvent.Validating>().Select(validating => validating.Epoch).ShouldBe([1, 2]);
        var epochs = events.OfType<TrainingEvent.EpochDone>().ToList();
        epochs.Select(epoch => epoch.Epoch).ShouldBe([1, 2]);
        epochs[0].IsBest.ShouldBeTrue();
        epochs[0].Loss.ShouldBe(events.OfType<TrainingEvent.StepDone>().Take(2).Average(step => step.Loss), 1e-12);
        epochs[0].Validation.ShouldNotBeNull();
        epochs[0].Seconds.Keys.ShouldBe(["data", "ISP", "detector", "back", "update", "validation"], ignoreOrder: true);
        var end = events[^1].ShouldBeOfType<TrainingEvent.Ended>();
        end.Seconds["ISP"].ShouldBe(epochs.Sum(epoch => epoch.Seconds["ISP"]), 1e-9);
        end.DataShare.ShouldBe(end.Seconds["data"] / (end.Seconds.Values.Sum() - end.Seconds["validation"]), 1e-9);
        events.OfType<TrainingEvent.Warning>().Select(warning => warning.Text)
            .ShouldBe([$"{finished.Options.Annotations}: the detector does not know lantern"]);
    }

    [Fact]
    public void The_log_has_a_line_a_step_and_a_line_an_epoch()
    {
        var lines = Log(finished.Run);

        lines.Select(line => (line["step"]!.GetValue<long>(), line.ContainsKey("mean_loss")))
            .ShouldBe([(1, false), (2, false), (2, true), (3, false), (4, false), (4, true)]);
        lines[0].Select(pair => pair.Key).ShouldBe(
            ["step", "epoch", "loss", "imitation", "classification", "boxes", "color", "gradient_norm", "learning_rate"]);
        lines[0]["learning_rate"]!.GetValue<double>().ShouldBe(1e-3 / 3, 1e-12);
        lines[2]["validation"]!["AP50"].ShouldNotBeNull();
    }

    [Fact]
    public void It_tells_where_the_imitation_ends_and_resumed_there_only_once_in_the_log()
    {
        var options = _photos.Options with { ImitationSteps = 2, ValidationImages = null, ValidationAnnotations = null };
        using var cancellation = new CancellationTokenSource();
        void Report(TrainingEvent news)
        {
            _events.Add(news);
            if (news is TrainingEvent.DetectorTeaches)
                cancellation.Cancel();
        }

        TrainingRun.Execute(_photos["run"], options, resume: false, Report, cancellation.Token).Steps.ShouldBe(3);
        TrainingRun.Execute(_photos["run"], options, resume: true, _events.Add, CancellationToken.None).IsComplete.ShouldBeTrue();

        _events.OfType<TrainingEvent.DetectorTeaches>().ShouldHaveSingleItem().Step.ShouldBe(3);
        var line = Log(_photos["run"]).Where(one => one.ContainsKey("phase")).ShouldHaveSingleItem();
        (line["step"]!.GetValue<long>(), line["epoch"]!.GetValue<int>(), line["phase"]!.GetValue<string>()).ShouldBe((3, 2, "detector"));
    }

    [Fact]
    public void Its_folder_is_an_ISP_that_knows_its_size()
    {
        using var isp = IspFile.LoadModel(finished.Run);

        isp.Options.MaxSize.ShouldBe(new SizeLimit(64, 64));
        StateDict.From(isp)["shallow.conv3.bias"].ToSingles()
            .ShouldBe(SafetensorsFile.Read(Path.Combine(finished.Run, "best.safetensors"))["shallow.conv3.bias"].ToSingles());
    }

    [Fact]
    public void The_networks_are_the_average_of_the_weights()
    {
        var state = SafetensorsFile.Read(Path.Combine(finished.Run, "state.safetensors"));
        var last = SafetensorsFile.Read(Path.Combine(finished.Run, "last.safetensors"));

        last["shallow.conv3.bias"].ToSingles().ShouldBe(state["average.shallow.conv3.bias"].ToSingles());
        last["shallow.conv3.bias"].ToSingles().ShouldNotBe(state["model.shallow.conv3.bias"].ToSingles());
    }

    [Fact]
    public void Cancelled_after_a_step_and_resumed_it_ends_as_if_nothing_had_been() =>
        ShouldEndTheSame(news => news is TrainingEvent.StepDone { Step: 3 }, 3);

    [Fact]
    public void Cancelled_while_it_measures_and_resumed_it_ends_as_if_nothing_had_been() =>
        ShouldEndTheSame(news => news is TrainingEvent.Validating, 2);

    [Fact]
    public void Cancelled_at_its_very_end_it_is_complete()
    {
        using var cancellation = new CancellationTokenSource();
        var options = _photos.Options with { Epochs = 1, BatchSize = 3, ValidationImages = null, ValidationAnnotations = null };
        void Report(TrainingEvent news)
        {
            if (news is TrainingEvent.EpochDone)
                cancellation.Cancel();
        }

        TrainingRun.Execute(_photos["run"], options, false, Report, cancellation.Token).ShouldBe(new TrainingResult(true, 1));

        Names(_photos["run"]).ShouldNotContain("best.safetensors", "nothing was measured");
        using var isp = IspFile.Load(_photos["run"]);
    }

    [Fact]
    public void A_finished_run_that_is_resumed_is_finished()
    {
        var run = Directory.CreateDirectory(_photos["copy"]).FullName;
        foreach (var file in Directory.GetFiles(finished.Run))
            File.Copy(file, Path.Combine(run, Path.GetFileName(file)));
        var before = Contents(run);

        Resume(run, TrainingRun.OptionsOf(run)).ShouldBe(new TrainingResult(true, 4));

        Contents(run).ShouldBe(before);
    }

    [Fact]
    public void A_run_is_not_gone_on_with_on_other_images()
    {
        using var cancellation = new CancellationTokenSource();
        var report = CancelAt(cancellation, news => news is TrainingEvent.Validating);
        TrainingRun.Execute(_photos["run"], _photos.Options, false, report, cancellation.Token);
        _photos.WriteSplit("train", "a1");

        Should.Throw<GenIspException>(() => Resume(_photos["run"], _photos.Options)).Message
            .ShouldContain("was saved after step 2 and 0 epochs, but an epoch of these images has 1 steps: the annotations have changed");
    }

    [Fact]
    public void Whatever_ends_a_run_the_last_checkpoint_is_whole_and_the_folder_free()
    {
        Should.Throw<InvalidOperationException>(() => TrainingRun.Execute(
            _photos["run"], _photos.Options, false,
            news => _ = news is TrainingEvent.StepDone { Step: 3 } ? throw new InvalidOperationException("whatever it is") : news,
            CancellationToken.None));

        SafetensorsFile.Read(_photos["run/state.safetensors"]).Metadata["step"].ShouldBe("2");
        Resume(_photos["run"], TrainingRun.OptionsOf(_photos["run"])).ShouldBe(new TrainingResult(true, 4));
        // The third step was made and lost, and made again.
        Log(_photos["run"]).Select(line => line["step"]!.GetValue<long>()).ShouldBe([1, 2, 2, 3, 4, 4]);
    }

    [Fact]
    public void Splits_that_share_images_are_refused_before_anything_is_written()
    {
        _photos.WriteSplit("val", "d1", "b5", "c9");

        Should.Throw<GenIspException>(() => Start(_photos.Options)).Message
            .ShouldStartWith($"2 images are in both {_photos["train.json"]} and {_photos["val.json"]}, such as b5, c9. ");

        Directory.Exists(_photos["run"]).ShouldBeFalse();
    }

    [Fact]
    public void What_is_odd_about_the_data_is_warned_of()
    {
        _photos.WriteSplit("val", "b4", "b6");
        var json = File.ReadAllText(_photos["train.json"]);
        File.WriteAllText(_photos["train.json"], json
            .Replace("\"annotations\": [", "\"annotations\": [{\"id\": 77, \"image_id\": 0, \"category_id\": 1, \"bbox\": [1, 1, 0, 4]}, ")
            .Replace("{\"id\": 500", "{\"id\": 3, \"name\": \"saloon\"}, {\"id\": 500"));

        Should.Throw<OperationCanceledException>(() => TrainingRun.Execute(_photos["run"], _photos.Options, false, news =>
        {
            _events.Add(news);
            if (news is TrainingEvent.Started)
                throw new OperationCanceledException();
        }, CancellationToken.None));

        _events.OfType<TrainingEvent.Warning>().Select(warning => warning.Text).ShouldBe(
        [
            $"{_photos["train.json"]}: what encloses nothing is left out: 1 boxes, the first is annotation 77",
            $"2 images of {_photos["val.json"]} are numbered next to one of {_photos["train.json"]}: frames of one scene make figures look "
            + "better than they are",
            $"{_photos["train.json"]}: the detector does not know lantern",
            $"{_photos["train.json"]}: saloon is taken for the detector's car, for they share the id 3",
        ]);
    }

    [Fact]
    public void Options_that_lack_something_are_refused_by_name()
    {
        Should.Throw<GenIspException>(() => Start(new TrainingOptions { Images = "x" })).Message
            .ShouldStartWith("The training options lack detector, annotations: ");
        Should.Throw<GenIspException>(() => Start(_photos.Options with { ValidationImages = null })).Message
            .ShouldContain("needs both validation images and their annotations, or neither");
        Should.Throw<GenIspException>(() => Start(_photos.Options with { Detector = _photos["none.onnx"] })).Message
            .ShouldContain("none.onnx");
        Should.Throw<GenIspException>(() => Start(_photos.Options with { Annotations = _photos["tiny.onnx"] })).Message
            .ShouldContain("tiny.onnx");
        Directory.Exists(_photos["run"]).ShouldBeFalse();
    }

    [Fact]
    public void What_auto_was_is_kept_in_the_options()
    {
        Start(_photos.Options with { Precision = DetectorPrecision.Auto, Epochs = 1, ValidationImages = null, ValidationAnnotations = null });

        TrainingRun.OptionsOf(_photos["run"]).Precision.ShouldBe(DetectorTypes.Resolve(DetectorPrecision.Auto));
    }

    [Theory]
    [InlineData(3, 0), InlineData(4, 1), InlineData(9, 1)]
    public void It_is_said_when_all_steps_imitate(int imitation, int warnings)
    {
        Start(_photos.Options with { ImitationSteps = imitation, ValidationImages = null, ValidationAnnotations = null });

        _events.OfType<TrainingEvent.Warning>().Count(warning => warning.Text.StartsWith("all 4 steps imitate a picture", StringComparison.Ordinal))
            .ShouldBe(warnings);
    }

    [Fact]
    public void A_cache_changes_nothing_whether_it_is_cold_or_warm_or_fails_or_comes_and_goes()
    {
        _photos.ToMosaics("train");
        _photos.ToMosaics("val");
        var options = _photos.Options with { Simulation = null, ImitationSteps = 1 };
        ImageCache Cache() => new(_photos["cache"], 1_000_000, leastFree: 0);
        IEnumerable<string> Train(string run, ImageCache? cache, Action<TrainingEvent>? report = null)
        {
            TrainingRun.Execute(_photos[run], options, false, report ?? _events.Add, CancellationToken.None, cache: cache).IsComplete.ShouldBeTrue();
            return Contents(_photos[run]);
        }
        var (cold, warm) = (Cache(), Cache());
        var expected = Train("none", null).ToList();

        Train("cold", cold).ShouldBe(expected);
        Train("warm", warm).ShouldBe(expected);
        File.WriteAllText(_photos["file"], "");
        Train("failing", new ImageCache(_photos["file/cache"], 1_000_000)).ShouldBe(expected);

        // Three photos to learn from and two to measure on; each of two epochs also shows two pictures of the latter.
        (cold.Found, cold.Made).ShouldBe((9, 5));
        (warm.Found, warm.Made).ShouldBe((14, 0));
        _events.OfType<TrainingEvent.Warning>().Count(warning => warning.Text.Contains("no more images are kept")).ShouldBe(1);

        using var cancellation = new CancellationTokenSource();
        var report = CancelAt(cancellation, news => news is TrainingEvent.StepDone { Step: 3 });
        TrainingRun.Execute(_photos["resumed"], options, false, report, cancellation.Token, cache: null).IsComplete.ShouldBeFalse();
        TrainingRun.Execute(_photos["resumed"], TrainingRun.OptionsOf(_photos["resumed"]), true, _events.Add, CancellationToken.None, cache: Cache());
        Contents(_photos["resumed"]).ShouldBe(expected);
    }

    private void ShouldEndTheSame(Func<TrainingEvent, bool> when, long step)
    {
        using var cancellation = new CancellationTokenSource();
        // The same photos in the same place: it is part of the options.
        var options = finished.Options;
        var run = _photos["run"];

        TrainingRun.Execute(run, options, false, CancelAt(cancellation, when), cancellation.Token)
            .ShouldBe(new TrainingResult(false, step));
        Resume(run, TrainingRun.OptionsOf(run)).ShouldBe(new TrainingResult(true, 4));

        _events.OfType<TrainingEvent.Started>().Last().FirstStep.ShouldBe(step);
        Contents(run).ShouldBe(Contents(finished.Run));
        static IEnumerable<string> Lines(string run) => Log(run).Select(line =>
        {
            line.Remove("seconds");
            line.Remove("data_share");
            return line.ToJsonString();
        });
        Lines(run).ShouldBe(Lines(finished.Run));
    }

    private Action<TrainingEvent> CancelAt(CancellationTokenSource cancellation, Func<TrainingEvent, bool> when) => news =>
    {
        _events.Add(news);
        if (when(news))
            cancellation.Cancel();
    };

    private TrainingResult Start(TrainingOptions options) =>
        TrainingRun.Execute(_photos["run"], options, false, _events.Add, CancellationToken.None);

    private TrainingResult Resume(string run, TrainingOptions options) =>
        TrainingRun.Execute(run, options, true, _events.Add, CancellationToken.None);

    private static IEnumerable<string?> Names(string run) =>
        Directory.GetFiles(run).Select(Path.GetFileName).Where(name => !name!.StartsWith("events.", StringComparison.Ordinal));

    private static IEnumerable<string> Contents(string run) => Directory.GetFiles(run, "*.safetensors").Order()
        .Select(file => $"{Path.GetFileName(file)} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))}");

    private static List<JsonObject> Log(string run) =>
        [.. File.ReadLines(Path.Combine(run, "log.jsonl")).Select(line => JsonNode.Parse(line)!.AsObject())];

    /// <summary>A run that nobody disturbed.</summary>
    public sealed class FinishedRun : IDisposable
    {
        private readonly TinyPhotos _photos = TinyPhotos.Create();

        public FinishedRun()
        {
            Options = _photos.Options;
            Result = TrainingRun.Execute(Run, Options, false, Events.Add, CancellationToken.None);
        }

        public string Run => _photos["run"];

        public TrainingOptions Options { get; }

        public TrainingResult Result { get; }

        public List<TrainingEvent> Events { get; } = [];

        public void Dispose() => _photos.Dispose();
    }
}
