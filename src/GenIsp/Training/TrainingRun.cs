using System.Diagnostics;
using GenIsp.Color;
using GenIsp.Data;
using GenIsp.Detection;
using GenIsp.Distributed;
using GenIsp.Downloads;
using GenIsp.Evaluation;
using GenIsp.Isp;
using GenIsp.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace GenIsp.Training;

/// <summary>What a run tells of itself while it goes on.</summary>
public abstract record TrainingEvent
{
    /// <summary>Something is worth knowing, and the run goes on.</summary>
    /// <param name="Text">What.</param>
    public sealed record Warning(string Text) : TrainingEvent;

    /// <summary>The data and the detector are loaded.</summary>
    /// <param name="Images">Images in an epoch.</param>
    /// <param name="Steps">Steps of the whole run.</param>
    /// <param name="FirstStep">Where it goes on; 0 for a new run.</param>
    /// <param name="Precision">What the detector computes in.</param>
    public sealed record Started(int Images, long Steps, long FirstStep, DetectorPrecision Precision) : TrainingEvent;

    /// <summary>A step is made.</summary>
    /// <param name="Epoch">From 1.</param>
    /// <param name="Step">From 1, over all epochs.</param>
    /// <param name="Images">In the step.</param>
    /// <param name="Loss">What is minimised.</param>
    public sealed record StepDone(int Epoch, long Step, int Images, double Loss) : TrainingEvent;

    /// <summary>An epoch's network is being measured.</summary>
    /// <param name="Epoch">From 1.</param>
    public sealed record Validating(int Epoch) : TrainingEvent;

    /// <summary>An epoch is over, and saved.</summary>
    /// <param name="Epoch">From 1.</param>
    /// <param name="Loss">The mean over its steps.</param>
    /// <param name="Validation">The figures, or null where nothing is measured.</param>
    /// <param name="IsBest">Whether its AP is the highest so far.</param>
    /// <param name="Seconds">
    /// By stage: <c>data</c> (waiting for it), <c>ISP</c>, <c>detector</c>, <c>back</c>, <c>update</c>, <c>validation</c>; and where several
    /// processes train, <c>exchange</c> (of gradients, waiting for the slowest).
    /// </param>
    public sealed record EpochDone(
        int Epoch, double Loss, CocoMetrics? Validation, bool IsBest, IReadOnlyDictionary<string, double> Seconds) : TrainingEvent;

    /// <summary>The run is over, or was cancelled.</summary>
    /// <param name="Seconds">By stage, since it was started.</param>
    /// <param name="DataShare">Which share of the steps' time was spent waiting for data.</param>
    public sealed record Ended(IReadOnlyDictionary<string, double> Seconds, double DataShare) : TrainingEvent;
}

/// <summary>How a run ended.</summary>
/// <param name="IsComplete">False if it was cancelled, and can be resumed.</param>
/// <param name="Steps">Steps made, in all.</param>
public readonly record struct TrainingResult(bool IsComplete, long Steps);

/// <summary>Trains GenISP under a frozen detector, in a folder that keeps everything.</summary>
public sealed class TrainingRun
{
    // A long epoch is not lost with the power.
    private static readonly TimeSpan SaveInterval = TimeSpan.FromMinutes(10);

    private const int SampleImages = 4;

    // Where several processes train, the first alone keeps folder and log.
    private readonly RunDirectory? _directory;
    private readonly TrainingOptions _options;
    private readonly Detector _detector;
    private readonly TrainingSet _training;
    private readonly DatasetImages? _validation;
    private readonly DatasetImages _samples;
    private readonly Trainer _trainer;
    private readonly ImageCache? _cache;
    private readonly RunLog? _log;
    private readonly Action<TrainingEvent> _report;
    private readonly Communicator _world;
    private readonly CancellationToken _cancellation;
    private readonly Dictionary<string, double> _seconds = [];
    private readonly Lock _saving = new();

    private RunPosition _position;
    private long _saved = Stopwatch.GetTimestamp();
    private volatile StateDict? _unsaved;

    private TrainingRun(
        RunDirectory? directory, TrainingOptions options, Detector detector, TrainingSet training, DatasetImages? validation,
        DatasetImages samples, Trainer trainer, RunPosition position, ImageCache? cache, RunLog? log, Action<TrainingEvent> report,
        Communicator world, CancellationToken cancellation)
    {
        (_directory, _options, _detector, _training, _validation, _samples) = (directory, options, detector, training, validation, samples);
        (_trainer, _position, _cache, _log, _report) = (trainer, position, cache, log, report);
        (_world, _cancellation) = (world, cancellation);
    }

    /// <summary>The options of the run in a folder.</summary>
    /// <exception cref="GenIspException">There is no run.</exception>
    public static TrainingOptions OptionsOf(string folder) => RunDirectory.ReadOptions(folder);

    /// <summary>
    /// Trains to the end, or until it is cancelled: then it finishes the step, saves, and returns. A resumed run ends with the same weights
    /// as one that was never interrupted.
    /// </summary>
    /// <param name="folder">
    /// The run's: <c>options.json</c>, <c>last.safetensors</c>, <c>best.safetensors</c>, <c>state.safetensors</c>, <c>log.jsonl</c> and
    /// TensorBoard's events. It is an ISP to <see cref="Isp.IspFile.Load"/>.
    /// </param>
    /// <param name="options">The recipe.</param>
    /// <param name="resume">Whether to go on with the folder's run, whose options must be these; a new run's folder must hold none.</param>
    /// <param name="report">Called on this thread; where several processes train, by the first alone.</param>
    /// <param name="cancellation">Ends the run after the step in work, in all processes if it is asked of any.</param>
    /// <param name="world">
    /// The processes that share each batch's images and the validation, all with these arguments; null trains alone. The weights are those
    /// of one process but for the order in which gradients are added. An exception in one of them must end all: see
    /// <see cref="Communicator.Abort"/>.
    /// </param>
    /// <param name="cache">Where decoded RAW files are kept; null keeps none. It changes how fast a run is, and nothing else.</param>
    /// <param name="device">
    /// Where libtorch computes, on the processor if null. No option of the run: it may go on elsewhere, where numbers are rounded otherwise.
    /// </param>
    /// <exception cref="GenIspException">
    /// Data, detector or options are not usable, the splits share images, a loss is not finite, or the disk is full: the last checkpoint
    /// stays whole.
    /// </exception>
    public static TrainingResult Execute(
        string folder, TrainingOptions options, bool resume, Action<TrainingEvent> report, CancellationToken cancellation,
        Communicator? world = null, ImageCache? cache = null, Device? device = null)
    {
        world ??= Communicator.Alone;
        if (!world.IsFirst)
            report = _ => { };
        RequireData(options);
        options = WithFullPaths(options) with { Precision = world.FirstOf(DetectorTypes.Resolve(options.Precision, device)) };
        using var detector = DetectorFile.Load(options.Detector, precision: options.Precision, device: device);
        options = options with { Network = options.Network with { MaxSize = options.Network.MaxSize ?? detector.PreferredSize } };
        var training = Load(options.Images, options.Annotations, options, cache);
        var validation = options is { ValidationImages: { } images, ValidationAnnotations: { } annotations }
            ? Load(images, annotations, options, cache)
            : null;
        SayOdd(training.Dataset, "is left out", report);
        if (validation is not null)
            SayOdd(validation.Dataset, "counts as missed, as in pycocotools", report);
        RefuseOverlap(training.Dataset, validation?.Dataset, report);
        SayUnmapped(training.Dataset, detector, report);
        SayIdle(options, world, report);
        var set = new TrainingSet(training, detector, options);

        using var directory = !world.IsFirst ? null : resume ? RunDirectory.Resume(folder, options) : RunDirectory.Create(folder, options);
        using var trainer = new Trainer(options, detector, world, device);
        var position = world.FirstOf(directory?.Restore(trainer))!;
        RefuseOtherData(folder, position, set.StepsPerEpoch);
        using var log = directory is null ? null : RunLog.Open(directory.Path, position.Step);
        report(new TrainingEvent.Started(set.Count, (long)options.Epochs * set.StepsPerEpoch, position.Step, detector.Precision));
        return new TrainingRun(
            directory, options, detector, set, validation, validation ?? training, trainer, position, cache, log, report, world,
            cancellation).Run();
    }

    private TrainingResult Run()
    {
        // A second after mpirun has asked its processes to end, it kills them, be it in the middle of a step; and if one has died, the
        // others wait for it in vain.
        using var rescue = _cancellation.Register(() =>
        {
            lock (_saving)
            {
                if (_unsaved is { } state)
                    _directory!.Save(state);
            }
        });
        var isComplete = true;
        while (isComplete && _position.Epochs < _options.Epochs)
        {
            RunEpoch();
            isComplete = !MustStop() && TryFinishEpoch();
        }
        if (!isComplete)
            Save();
        TakeSeconds();
        SayCacheTroubles();
        _report(new TrainingEvent.Ended(_seconds, StepClock.DataShare(_seconds)));
        return new TrainingResult(isComplete, _position.Step);
    }

    private IReadOnlyDictionary<string, double> TakeSeconds()
    {
        var taken = _trainer.Clock.Take();
        foreach (var (stage, seconds) in taken)
            _seconds[stage] = _seconds.GetValueOrDefault(stage) + seconds;
        return taken;
    }

    private void SayCacheTroubles()
    {
        // Those of other processes are told at the end.
        while (_world.IsFirst && _cache?.TakeWarning() is { } trouble)
            _report(new TrainingEvent.Warning(trouble));
    }

    private bool MustStop() => _world.Any(_cancellation.IsCancellationRequested);

    // Until its end, or until the run is cancelled.
    private void RunEpoch()
    {
        // Processors that round differently drift apart no longer than an epoch.
        _trainer.Synchronize(_position.Step);
        var (epoch, first) = (_position.Epochs, (int)(_position.Step - (long)_position.Epochs * _training.StepsPerEpoch));
        using var batches = _training.Batches(epoch, first, _world).GetEnumerator();
        while (!MustStop() && _trainer.Clock.Measure(StepClock.Data, batches.MoveNext))
        {
            var rate = LearningRate.At(_options, _position.Step, _training.StepsPerEpoch);
            var losses = _trainer.Step(batches.Current, rate);
            _position = _position with { Step = _position.Step + 1, LossSum = _position.LossSum + losses.Total };
            _log?.Step(_position.Step, epoch + 1, losses, rate);
            if (_directory is not null && _world.Size > 1)
                _unsaved = RunDirectory.StateOf(_trainer, _position);
            _report(new TrainingEvent.StepDone(epoch + 1, _position.Step, batches.Current.Count, losses.Total));
            SayCacheTroubles();
            if (Stopwatch.GetElapsedTime(_saved) > SaveInterval)
                Save();
        }
    }

    // False if the run was cancelled meanwhile: the epoch is then measured again on resuming.
    private bool TryFinishEpoch()
    {
        var (epoch, loss) = (_position.Epochs + 1, _position.LossSum / _training.StepsPerEpoch);
        CocoMetrics? figures = null;
        if (_validation is not null && (epoch % _options.ValidationInterval == 0 || epoch == _options.Epochs))
        {
            _report(new TrainingEvent.Validating(epoch));
            try
            {
                // Either is there for the next epoch too, or has nothing to free.
                IIsp isp = _trainer.Result.Device.type == DeviceType.CPU ? FusedGenIsp.From(_trainer.Result) : _trainer.Result;
                figures = _trainer.Clock.Measure(
                    StepClock.Validation, () => Validation.Measure(_validation, isp, _detector, _options.Seed, _cancellation, _world));
            }
            catch (OperationCanceledException)
            {
                return false;
            }
        }
        LogSamples();
        var isBest = figures is not null && !(figures.AP <= _position.BestAP);
        if (isBest)
            _directory?.SaveBest(_trainer);
        _position = _position with { Epochs = epoch, BestAP = isBest ? figures!.AP : _position.BestAP, LossSum = 0 };
        var seconds = TakeSeconds();
        _log?.Epoch(_position.Step, epoch, loss, figures, seconds);
        Save();
        _report(new TrainingEvent.EpochDone(epoch, loss, figures, isBest, seconds));
        return true;
    }

    private void LogSamples()
    {
        if (_log is null)
            return;
        using var isp = FusedGenIsp.From(_trainer.Result);
        foreach (var image in Validation.Samples(_samples, _options.Seed, SampleImages))
        {
            var picture = isp.Develop(image.Linear, out var gains, out var matrix);
            _log.Sample(_position.Step, image.Image.Stem, picture, gains, matrix);
        }
    }

    private void Save()
    {
        // Or a signal's thread might save an older state over it.
        lock (_saving)
        {
            _directory?.Save(_trainer, _position);
            _unsaved = null;
        }
        _saved = Stopwatch.GetTimestamp();
    }

    private static void RequireData(TrainingOptions options)
    {
        (string Key, string? Value)[] needed =
            [("detector", options.Detector), ("images", options.Images), ("annotations", options.Annotations)];
        string[] missing = [.. needed.Where(pair => string.IsNullOrEmpty(pair.Value)).Select(pair => pair.Key)];
        if (missing.Length > 0)
            throw new GenIspException($"The training options lack {string.Join(", ", missing)}: there is nothing to train with.");
        if (options.Simulation?.Cameras.Any(string.IsNullOrEmpty) is true)
            throw new GenIspException("A camera of the simulation has no name: see \"cameras\" in \"simulation\".");
        if (options.ValidationImages is null != options.ValidationAnnotations is null)
            throw new GenIspException("To measure the epochs, training needs both validation images and their annotations, or neither.");
    }

    // So that a run can be resumed from any folder.
    private static TrainingOptions WithFullPaths(TrainingOptions options)
    {
        static string? Full(string? path) => path is null ? null : Path.GetFullPath(path);
        return options with
        {
            Detector = Full(KnownWeights.Locate(options.Detector))!,
            Images = Full(options.Images)!,
            Annotations = Full(options.Annotations)!,
            ValidationImages = Full(options.ValidationImages),
            ValidationAnnotations = Full(options.ValidationAnnotations),
            Simulation = options.Simulation is { } simulation
                ? simulation with { Cameras = [.. simulation.Cameras.Select(camera => File.Exists(camera) ? Full(camera)! : camera)] }
                : null,
        };
    }

    private static DatasetImages Load(string images, string annotations, TrainingOptions options, ImageCache? cache) => new(
        CocoDataset.Read(annotations), images,
        new LinearOptions { Cst = options.Network.Cst, MaxSize = options.Network.MaxSize, Antialias = options.Network.Antialias },
        options.Simulation, cache);

    private static void SayOdd(CocoDataset dataset, string fate, Action<TrainingEvent> report)
    {
        if (dataset.Degenerate.Count > 0)
        {
            report(new TrainingEvent.Warning(
                $"{dataset.Source}: what encloses nothing {fate}: {dataset.Degenerate.Count} boxes, the first is annotation "
                + $"{dataset.Degenerate[0].Id}"));
        }
    }

    private static void RefuseOverlap(CocoDataset training, CocoDataset? validation, Action<TrainingEvent> report)
    {
        if (validation is null)
            return;
        var overlap = SplitOverlap.Between(training.Images, validation.Images);
        if (overlap.Shared.Count > 0)
        {
            throw new GenIspException(
                $"{overlap.Shared.Count} images are in both {training.Source} and {validation.Source}, such as "
                + $"{string.Join(", ", overlap.Shared.Take(3))}. What was learned from can't be measured on: "
                + "take them out of one of the two.");
        }
        if (overlap.Adjacent > 0)
        {
            report(new TrainingEvent.Warning(
                $"{overlap.Adjacent} images of {validation.Source} are numbered next to one of {training.Source}: frames of one scene make "
                + "figures look better than they are"));
        }
    }

    // The same step would be of other images.
    private static void RefuseOtherData(string folder, RunPosition position, int stepsPerEpoch)
    {
        var start = (long)position.Epochs * stepsPerEpoch;
        if (position.Step < start || position.Step > start + stepsPerEpoch)
        {
            throw new GenIspException(
                $"{folder} was saved after step {position.Step} and {position.Epochs} epochs, but an epoch of these images has "
                + $"{stepsPerEpoch} steps: the annotations have changed since. Bring the old ones back, or start another run.");
        }
    }

    private static void SayIdle(TrainingOptions options, Communicator world, Action<TrainingEvent> report)
    {
        if (options.BatchSize < world.Size)
        {
            report(new TrainingEvent.Warning(
                $"a step has {options.BatchSize} images for {world.Size} processes, so {world.Size - options.BatchSize} of them have "
                + "nothing to do: start fewer, or train with larger batches"));
        }
    }

    private static void SayUnmapped(CocoDataset dataset, Detector detector, Action<TrainingEvent> report)
    {
        var map = CategoryMap.Between(dataset.Categories, detector.Categories);
        if (map.Unmapped.Count > 0)
        {
            report(new TrainingEvent.Warning(
                $"{dataset.Source}: the detector does not know {string.Join(", ", map.Unmapped.Select(category => category.Name))}"));
        }
        foreach (var match in map.Matches.Where(match => !match.ByName))
        {
            report(new TrainingEvent.Warning(
                $"{dataset.Source}: {match.Annotation.Name} is taken for the detector's {match.Detector.Name}, "
                + $"for they share the id {match.Detector.Id}"));
        }
    }
}
