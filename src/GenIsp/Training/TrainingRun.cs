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
    /// On a card libtorch adds some gradients in no fixed order, so that two runs differ in the last digits.
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
        TrainingChecks.RequireData(options);
        options = WithFullPaths(options) with { Precision = world.FirstOf(DetectorTypes.Resolve(options.Precision, device)) };
        using var detector = DetectorFile.Load(options.Detector, precision: options.Precision, device: device);
        options = options with { Network = options.Network with { MaxSize = options.Network.MaxSize ?? detector.PreferredSize } };
        var training = Load(options.Images, options.Annotations, options, cache);
        var validation = options is { ValidationImages: { } images, ValidationAnnotations: { } annotations }
            ? Load(images, annotations, options, cache)
            : null;
        TrainingChecks.SayOdd(training.Dataset, "is left out", report);
        if (validation is not null)
            TrainingChecks.SayOdd(validation.Dataset, "counts as missed, as in pycocotools", report);
        TrainingChecks.RefuseOverlap(training.Dataset, validation?.Dataset, report);
        TrainingChecks.SayUnmapped(training.Dataset, detector, report);
        TrainingChecks.SayIdle(options, world, report);
        var set = new TrainingSet(training, detector, options);

        using var directory = !world.IsFirst ? null : resume ? RunDirectory.Resume(folder, options) : RunDirectory.Create(folder, options);
        using var trainer = new Trainer(options, detector, world, device);
        var position = world.FirstOf(directory?.Restore(trainer))!;
        TrainingChecks.RefuseOtherData(folder, position, set.StepsPerEpoch);
        using var log = directory is null ? null : RunLog.Open(directory.Path, position.Step);
        var steps = (long)options.Epochs * set.StepsPerEpoch;
        TrainingChecks.SayUntaught(options, steps, report);
        report(new TrainingEvent.Started(set.Count, steps, position.Step, detector.Precision));
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
            if (_position.Step > 0 && _position.Step == _options.ImitationSteps)
            {
                _log?.DetectorTeaches(_position.Step + 1, epoch + 1);
                _report(new TrainingEvent.DetectorTeaches(_position.Step + 1));
            }
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
}
