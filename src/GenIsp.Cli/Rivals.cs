using GenIsp.Data;
using GenIsp.Distributed;
using GenIsp.Evaluation;
using GenIsp.Imaging;
using GenIsp.Reporting;
using TorchSharp;

namespace GenIsp.Cli;

/// <summary>ISPs and detectors that are compared on the same images: every picture of every ISP is given to every detector.</summary>
internal sealed class Rivals : IDisposable
{
    private const string FiguresName = "results.json";

    private readonly CocoDataset _dataset;
    private readonly IReadOnlyList<Developer> _isps;
    private readonly IReadOnlyList<NamedDetector> _detectors;

    private Rivals(CocoDataset dataset, IReadOnlyList<Developer> isps, IReadOnlyList<NamedDetector> detectors) =>
        (_dataset, _isps, _detectors) = (dataset, isps, detectors);

    private IEnumerable<(Developer Isp, NamedDetector Detector)> Pairs =>
        _detectors.SelectMany(detector => _isps.Select(isp => (isp, detector)));

    /// <summary>The files that <see cref="Measure"/> writes.</summary>
    public IEnumerable<string> OutputNames => Pairs.Select(pair => NameOf(pair.Isp, pair.Detector)).Append(FiguresName);

    /// <summary>Loads the detectors, and tells which of the annotations' classes they do not know.</summary>
    /// <param name="terminal">For what is to be told.</param>
    /// <param name="dataset">The images and what is in them.</param>
    /// <param name="isps">Owned from now on, even where this fails.</param>
    /// <param name="detectors">Files.</param>
    /// <param name="device">Where the detectors compute; on the processor if null.</param>
    /// <exception cref="GenIspException">
    /// A detector can't be loaded or knows none of the classes, or two results would have one name.
    /// </exception>
    public static Rivals Load(
        Terminal terminal, CocoDataset dataset, IReadOnlyList<Developer> isps, IReadOnlyList<string> detectors, torch.Device? device = null)
    {
        var loaded = new List<NamedDetector>();
        var rivals = new Rivals(dataset, isps, loaded);
        try
        {
            foreach (var (path, name) in detectors.Zip(DisplayNames.Of(detectors)))
                loaded.Add(NamedDetector.Load(terminal, dataset, path, name, device));
            var counts = rivals.OutputNames.CountBy(name => name, StringComparer.OrdinalIgnoreCase);
            if (counts.FirstOrDefault(pair => pair.Value > 1) is { Key: { } twice })
                throw new GenIspException($"Two pairs of ISP and detector would both write {twice}. Rename a file of theirs.");
            return rivals;
        }
        catch
        {
            rivals.Dispose();
            throw;
        }
    }

    /// <summary>Detects in all images and measures. Nothing is written before all is measured.</summary>
    /// <param name="terminal">For the bar and where the time went.</param>
    /// <param name="files">All images of the data set.</param>
    /// <param name="score">Detections below are left out.</param>
    /// <param name="options">What is measured.</param>
    /// <param name="folder">Where detections and figures are saved; null saves nothing, and gathers no gallery.</param>
    /// <param name="cancellation">Ends the work after the image in work.</param>
    /// <param name="world">The processes that share the images; the first one alone measures and writes. Null works alone.</param>
    /// <param name="cache">Where decoded RAW files are kept; null keeps none.</param>
    /// <exception cref="GenIspException">A file can't be read, does not fit its annotations, or can't be written.</exception>
    /// <returns>Null in all processes but the first.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled, in any process; nothing was written.</exception>
    public Measurement? Measure(
        Terminal terminal, IReadOnlyList<AnnotatedFile> files, float score, CocoEvaluationOptions options, string? folder,
        CancellationToken cancellation, Communicator? world = null, ImageCache? cache = null)
    {
        world ??= Communicator.Alone;
        if (_isps.Count > 1 && files.All(file => Developer.IsDeveloped(file.Path)))
            terminal.Say("genisp: the photos are developed already, and no ISP changes them: all have the same figures");
        var clock = new StageClock();
        var found = Pairs.ToDictionary(pair => pair, _ => new List<IReadOnlyList<CocoDetection>>());
        var gallery = folder is null
            ? null
            : new GalleryBuilder(_dataset, [.. Pairs.Select(pair => pair.Detector.Name)], _isps.Count, options.Classes);
        AnnotatedFile[] share = [.. world.Share(files)];
        ProgressBar.Run(terminal, share.Length, bar =>
        {
            foreach (var (file, input) in ReadAhead(share, new AnnotatedReader(cache), clock, cancellation))
            {
                bar.Show(file.Path);
                var views = Detect(input, file.Image, score, clock);
                foreach (var (pair, view) in views)
                    found[pair].Add(view.Found);
                if (gallery is not null)
                    clock.Measure("gallery", () => gallery.Offer(file.Image, input.Frame, [.. Pairs.Select(pair => views[pair])]));
                clock.Finish();
                bar.Advance();
            }
        });
        if (world.Any(cancellation.IsCancellationRequested))
            throw new OperationCanceledException(cancellation);
        var all = Pairs.ToDictionary(pair => pair, pair => world.Merge(found[pair]).SelectMany(one => one).ToList());
        gallery?.Merge(world);
        Evaluation[] evaluations = !world.IsFirst ? [] :
        [
            .. Pairs.Select(pair => clock.Measure(
                "evaluation", () => Evaluation.Of(_dataset, all[pair], options, pair.Isp.Name, pair.Detector.Name))),
        ];
        // All leave together, or those that stay would wait for the one that left.
        if (world.Any(cancellation.IsCancellationRequested))
            throw new OperationCanceledException(cancellation);
        if (world.IsFirst && folder is not null)
        {
            foreach (var pair in Pairs)
                CocoResultsFile.Write(Path.Combine(folder, NameOf(pair.Isp, pair.Detector)), all[pair]);
            Json.Write(Path.Combine(folder, FiguresName), Evaluation.ToJson(evaluations));
        }
        clock.Say(terminal, world, _dataset.Source);
        foreach (var isp in _isps)
            isp.SayChoices(terminal, world);
        return world.IsFirst ? new Measurement(evaluations, gallery?.Build() ?? []) : null;
    }

    public void Dispose()
    {
        foreach (var isp in _isps)
            isp.Dispose();
        foreach (var detector in _detectors)
            detector.Dispose();
    }

    private static string NameOf(Developer isp, NamedDetector detector) =>
        $"{DisplayNames.ForFile(isp.Name)}.{DisplayNames.ForFile(detector.Name)}.json";

    // The next file is read while the detectors are at work on this one.
    private IEnumerable<(AnnotatedFile File, AnnotatedInput Input)> ReadAhead(
        AnnotatedFile[] files, AnnotatedReader reader, StageClock clock, CancellationToken cancellation)
    {
        Task<AnnotatedInput> Read(int i) => Task.Run(() => files[i].Read(_isps, reader));
        if (files.Length == 0)
            yield break;
        var next = Read(0);
        for (var i = 0; i < files.Length; i++)
        {
            var input = clock.Measure("waiting for files", () => next.GetAwaiter().GetResult());
            if (cancellation.IsCancellationRequested)
                yield break;
            if (i + 1 < files.Length)
                next = Read(i + 1);
            yield return (files[i], input);
        }
    }

    private Dictionary<(Developer Isp, NamedDetector Detector), (RgbImage Picture, IReadOnlyList<CocoDetection> Found)> Detect(
        AnnotatedInput input, CocoImage image, float score, StageClock clock)
    {
        IReadOnlyList<CocoDetection> Find(NamedDetector detector, RgbImage picture) =>
            clock.Measure("detectors", () => detector.Detect(picture, input.Frame, image, score));
        // No ISP changes a photo, so all have the same detections.
        var ofPhoto = input.Photo is { } photo ? _detectors.ToDictionary(detector => detector, detector => Find(detector, photo)) : null;
        var views = new Dictionary<(Developer, NamedDetector), (RgbImage, IReadOnlyList<CocoDetection>)>();
        foreach (var isp in _isps)
        {
            var picture = clock.Measure("ISPs", () => input.Develop(isp));
            foreach (var detector in _detectors)
                views[(isp, detector)] = (picture, ofPhoto?[detector] ?? Find(detector, picture));
        }
        return views;
    }
}

/// <summary>What was measured, and what the report shows of it.</summary>
/// <param name="Evaluations">One of each ISP and detector.</param>
/// <param name="Gallery">A few of the images, with a view of each; empty where nothing is saved.</param>
internal sealed record Measurement(IReadOnlyList<Evaluation> Evaluations, IReadOnlyList<GalleryImage> Gallery)
{
    /// <summary>The report's section on this data set.</summary>
    public EvaluationSection ToSection(string title) => new(title, [.. Evaluations.Select(one => one.ToFigures())], Gallery);
}
