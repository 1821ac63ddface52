using GenIsp.Color;
using GenIsp.Detection.OnnxGraph;
using GenIsp.Detection.OnnxGraph.Proto;
using GenIsp.Geometry;
using static TorchSharp.torch;

namespace GenIsp.Detection;

/// <summary>
/// A frozen detector from an ONNX file. The graph runs in libtorch, so that a gradient flows through it to the image.
/// </summary>
public sealed class OnnxDetector : Detector
{
    private static readonly IOutputConvention[] Conventions = [new YoloxConvention(), new NanoDetConvention()];

    private readonly Graph _graph;
    private readonly PointGrid _grid;
    private readonly IOutputConvention _convention;
    private DetectorPrecision _precision = DetectorPrecision.Float32;

    private OnnxDetector(
        Graph graph, IOutputConvention convention, DetectorInput input, IReadOnlyList<Category> categories)
    {
        (_graph, _convention, Input, Categories) = (graph, convention, input, categories);
        _grid = new PointGrid(input.Width, input.Height, convention.Strides, convention.PointCentre);
    }

    /// <summary>
    /// COCO's for a file of 80 classes; otherwise those that the file's metadata names, or "class 0", "class 1", …, with ids from 1.
    /// </summary>
    public override IReadOnlyList<Category> Categories { get; }

    /// <inheritdoc/>
    public override SizeLimit PreferredSize => new(Math.Max(Input.Width, Input.Height), Math.Min(Input.Width, Input.Height));

    /// <inheritdoc/>
    public override DetectorPrecision Precision => _precision;

    /// <summary>In what form the file gives its boxes and scores.</summary>
    public DetectorConvention Convention => _convention.Name;

    /// <summary>How an image is made the network's input.</summary>
    public DetectorInput Input { get; }

    /// <summary>All that is frozen; the detector's own.</summary>
    internal IEnumerable<Tensor> Weights => _graph.Weights;

    /// <summary>The same by their names in the file, of a detector that is not frozen.</summary>
    internal IReadOnlyDictionary<string, Tensor> NamedWeights => _graph.Constants;

    /// <summary>Reads a detector, and runs it once on an empty image.</summary>
    /// <param name="path">An ONNX file with its weights inside, one image as its input, and one output.</param>
    /// <param name="convention">The form of the output; recognised by default.</param>
    /// <param name="input">
    /// How the image is prepared, for a file whose size is not fixed or whose input differs from its convention's; by default, that.
    /// </param>
    /// <param name="precision">What its convolutions compute in.</param>
    /// <param name="device">Where it computes: on the processor if null.</param>
    /// <exception cref="GenIspException">
    /// The file can't be read or is damaged, needs operators that are not supported (all of them are named), or its output is of no
    /// known convention.
    /// </exception>
    public static OnnxDetector Load(
        string path, DetectorConvention convention = DetectorConvention.Auto, DetectorInput? input = null,
        DetectorPrecision precision = DetectorPrecision.Float32, Device? device = null)
    {
        var detector = From(OnnxFile.Read(path), path, convention, input);
        detector._precision = DetectorTypes.Resolve(precision, device);
        detector._graph.Freeze(DetectorTypes.Of(detector._precision), device ?? CPU);
        detector._grid.MoveTo(device ?? CPU);
        return detector;
    }

    /// <summary>
    /// A detector from what a file holds, not frozen: for one who trains the detector itself, in float32. Otherwise as <see cref="Load"/>;
    /// <paramref name="source"/> is its name, for errors.
    /// </summary>
    internal static OnnxDetector From(
        ModelProto model, string source, DetectorConvention convention = DetectorConvention.Auto, DetectorInput? input = null)
    {
        var (width, height) = InputSize(model, source, input);
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var graph = Graph.Load(model, source, [1, 3, height, width]);
        try
        {
            var outputs = graph.Run(zeros(1, 3, height, width));
            var found = Conventions.Where(known => convention is DetectorConvention.Auto || known.Name == convention)
                .FirstOrDefault(known => Fits(known, outputs, width, height))
                ?? throw Unrecognised(source, graph, outputs, width, height, convention);
            var classes = (int)outputs[0].shape[2] - found.BoxColumns;
            return new OnnxDetector(graph, found, input ?? found.Input(width, height), CategoryNames.Of(model, classes));
        }
        catch
        {
            graph.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyList<IReadOnlyList<Detection>> Detect(IReadOnlyList<Tensor> images, float scoreThreshold)
    {
        using var frozen = no_grad();
        return [.. images.Select(image => DetectOne(image, scoreThreshold))];
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<DetectionLossTerms> LossOfEach(
        IReadOnlyList<Tensor> images, IReadOnlyList<IReadOnlyList<DetectionTarget>> targets, DetectionLossOptions options) =>
        [.. images.Zip(targets, (image, ofImage) => LossOfOne(image, ofImage, options))];

    /// <summary>What the detector says at every point, with a gradient to the image if that requires one.</summary>
    /// <param name="image">[3, H, W], float32, RGB, 0..1, of any size.</param>
    /// <returns>Tensors in the caller's dispose scope, except the points and strides, which are the detector's own.</returns>
    internal PointPredictions Predict(Tensor image)
    {
        using var scope = NewDisposeScope();
        var (input, frame) = Input.Apply(image.to(_grid.Points.device));
        var raw = _graph.Run(input)[0].squeeze(0);
        var (scores, boxes) = PointDecoding.Apply(_convention, raw, _grid);
        scope.MoveToOuter(raw, scores, boxes);
        return new PointPredictions(raw, scores, boxes, _grid.Points, _grid.Strides, frame);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (!disposing)
            return;
        _graph.Dispose();
        _grid.Dispose();
    }

    private DetectionLossTerms LossOfOne(Tensor image, IReadOnlyList<DetectionTarget> targets, DetectionLossOptions options)
    {
        using var scope = NewDisposeScope();
        var predictions = Predict(image);
        var loss = PointLoss.Compute(
            predictions,
            _grid.Centres,
            [.. targets.Select(target => predictions.Frame.FromSource(target.Box))],
            [.. targets.Select(target => target.Class)],
            options);
        scope.MoveToOuter(loss.Classification, loss.Boxes);
        return loss;
    }

    private IReadOnlyList<Detection> DetectOne(Tensor image, float scoreThreshold)
    {
        using var scope = NewDisposeScope();
        var predictions = Predict(image);
        var scores = predictions.Scores.Numbers<float>();
        var corners = predictions.Boxes.Numbers<float>();
        var (width, height) = predictions.Frame.SourceSize;
        var (boxes, kept, classes) = (new List<Box>(), new List<float>(), new List<int>());
        for (var point = 0; point < corners.Length / 4; point++)
        {
            var ofPoint = scores.AsSpan(point * Categories.Count, Categories.Count);
            // Of most points nothing is.
            if (!VectorMath.IsAnyAtLeast(ofPoint, scoreThreshold))
                continue;
            var best = IndexOfLargest(ofPoint);
            for (var c = 0; c < ofPoint.Length; c++)
            {
                if (!(ofPoint[c] >= scoreThreshold) || (_convention.OneClassAPoint && c != best))
                    continue;
                boxes.Add(new Box(corners[4 * point], corners[4 * point + 1], corners[4 * point + 2], corners[4 * point + 3]));
                kept.Add(ofPoint[c]);
                classes.Add(c);
            }
        }
        KeepBest(boxes, kept, classes);
        return [.. Nms.Suppress(boxes.ToArray(), kept.ToArray(), classes.ToArray(), _convention.NmsThreshold)
            .Select(i => new Detection(
                predictions.Frame.ToSource(boxes[i]).ClipTo(width, height), Categories[classes[i]], kept[i]))
            .Where(detection => detection.Box.Width > 0 && detection.Box.Height > 0) // not outside, not NaN
            .Take(_convention.MaxDetections)];
    }

    // Every point says something of every class, so a threshold near 0 would have suppression compare hundreds of thousands of boxes.
    private static void KeepBest(List<Box> boxes, List<float> scores, List<int> classes)
    {
        const int PerClass = 1000;
        if (boxes.Count <= PerClass)
            return;
        var best = Enumerable.Range(0, boxes.Count).GroupBy(i => classes[i])
            .SelectMany(ofClass => ofClass.OrderByDescending(i => scores[i]).Take(PerClass)).Order().ToArray();
        (Box, float, int)[] chosen = [.. best.Select(i => (boxes[i], scores[i], classes[i]))];
        boxes.Clear();
        scores.Clear();
        classes.Clear();
        foreach (var (box, score, @class) in chosen)
        {
            boxes.Add(box);
            scores.Add(score);
            classes.Add(@class);
        }
    }

    private static int IndexOfLargest(ReadOnlySpan<float> values)
    {
        var largest = 0;
        for (var i = 1; i < values.Length; i++)
            largest = values[i] > values[largest] ? i : largest;
        return largest;
    }

    // The size that the file fixes, or the caller's where it fixes none.
    private static (int Width, int Height) InputSize(ModelProto model, string path, DetectorInput? input)
    {
        const int Largest = 1 << 13;
        var tensor = Graph.SoleInput(model, path).Type?.TensorType;
        long[] shape = [.. tensor?.Shape?.Dim.Select(dim => Math.Max(0, dim.DimValue)) ?? [0, 0, 0, 0]];
        var given = $"[{string.Join(", ", shape.Select(size => size == 0 ? "?" : $"{size}"))}]";
        if (shape is not [0 or 1, 0 or 3, <= Largest, <= Largest] || tensor?.ElemType is not (null or 1))
        {
            throw new GenIspException(
                $"{path} wants an input {given} of ONNX type {tensor?.ElemType}; a detector wants float [1, 3, H, W].");
        }
        if (input is null && (shape[2] == 0 || shape[3] == 0))
            throw new GenIspException($"{path} takes images of any size, {given}: say how large they are to be.");
        var (width, height) = (input?.Width ?? (int)shape[3], input?.Height ?? (int)shape[2]);
        bool Allows(long fixedSize, int size) => size is >= 1 and <= Largest && (fixedSize == 0 || fixedSize == size);
        if (!Allows(shape[3], width) || !Allows(shape[2], height))
            throw new GenIspException($"{path} takes images of {given}, not of {width}×{height} pixels.");
        return (width, height);
    }

    private static bool Fits(IOutputConvention convention, Tensor[] outputs, int width, int height)
    {
        if (outputs is not [{ dtype: ScalarType.Float32, shape: [1, var points, var columns] } output]
            || columns <= convention.BoxColumns || points != PointGrid.Count(width, height, convention.Strides))
            return false;
        var probabilities = convention.Probabilities(output[0]);
        if ((probabilities - probabilities.HeldIn(0, 1)).abs().sum().Value() is not 0)
            return false;
        using var grid = new PointGrid(width, height, convention.Strides, convention.PointCentre);
        return convention.Decode(output[0], grid.Points, grid.Strides).Boxes.isfinite().all().ReadCpuBool(0);
    }

    private static GenIspException Unrecognised(
        string path, Graph graph, Tensor[] outputs, int width, int height, DetectorConvention convention)
    {
        var found = graph.OutputNames.Zip(outputs, (name, tensor) => $"'{name}' {tensor.dtype} [{string.Join(", ", tensor.shape)}]");
        var known = Conventions.Select(c => $"{c.Description} (here N = {PointGrid.Count(width, height, c.Strides)})");
        var wanted = convention is DetectorConvention.Auto ? "of no known convention" : $"not of the convention {convention}";
        return new GenIspException($"{path} is a detector whose output is {wanted}. Its outputs are {string.Join(", ", found)}. "
            + $"Known are {string.Join("; ", known)}. In each, the scores are probabilities, 0..1.");
    }
}
