using System.Numerics;
using GenIsp.Detection.Frozen;
using GenIsp.Isp.Kernels;
using static TorchSharp.torch;

namespace GenIsp.Detection.OnnxGraph;

/// <summary>
/// Makes one step, a <see cref="FrozenNetwork"/>, of all steps that have a layer and depend on nothing but the input. What a step does to
/// images is found out by running it on numbers that tell where they came from, whatever nodes and attributes an exporter made of it.
/// </summary>
internal sealed class NetworkFusion
{
    // Planes of the input: a pointer to each lies on the stack.
    private const int MostChannels = 64;

    private readonly string _input;
    private readonly IReadOnlyDictionary<string, Tensor> _constants;
    private readonly Readers _readers;
    private readonly FrozenNetwork _network;

    // The network's images by their names in the graph; and those that are matrices there, [1, H · W, C].
    private readonly Dictionary<string, int> _images;
    private readonly Dictionary<string, int> _rows = [];

    // Steps that stay, by what they make.
    private readonly Dictionary<string, Step> _makers = [];
    private readonly List<Step> _rest = [];
    private int? _inOrder;

    private NetworkFusion(FrozenNetwork network, Readers readers, IReadOnlyDictionary<string, Tensor> constants, string input)
    {
        (_network, _readers, _constants, _input) = (network, readers, constants, input);
        _images = new() { [input] = 0 };
    }

    /// <summary>The steps that stay, with the network in front of them.</summary>
    /// <param name="steps">In order.</param>
    /// <param name="outputs">Names of the values that must still be made.</param>
    /// <param name="constants">By name.</param>
    /// <param name="input">The name of the graph's input, float32 on the processor.</param>
    /// <param name="shape">Its shape.</param>
    /// <returns>And the network, for the caller to dispose of; null where no step has a layer.</returns>
    public static (List<Step> Steps, FrozenNetwork? Network) Fuse(
        IReadOnlyList<Step> steps, IReadOnlyList<string> outputs, IReadOnlyDictionary<string, Tensor> constants, string input, long[] shape)
    {
        if (shape is not [1, > 0 and <= MostChannels and var channels, > 0 and var height, > 0 and var width])
            return ([.. steps], null);
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        var network = new FrozenNetwork(new ImageShape((int)channels, (int)height, (int)width));
        var rest = new NetworkFusion(network, new Readers(steps, outputs), constants, input).Fuse(steps, outputs);
        if (rest is not null)
            return (rest, network);
        network.Dispose();
        return ([.. steps], null);
    }

    private List<Step>? Fuse(IReadOnlyList<Step> steps, IReadOnlyList<string> outputs)
    {
        foreach (var step in steps)
        {
            if (!TakeAsLayer(step) && !TakeAsRows(step))
            {
                _rest.Add(step);
                foreach (var name in step.Outputs)
                    _makers[name] = step;
            }
        }
        var read = _rest.SelectMany(step => step.Inputs).Concat(outputs).ToHashSet(StringComparer.Ordinal);
        var results = new List<string>();
        foreach (var (name, image) in _images.Concat(_rows).Where(pair => pair.Value != 0 && read.Contains(pair.Key)))
        {
            var (channels, height, width) = _network.ShapeOf(image);
            _network.Return(image, _rows.ContainsKey(name) ? [1, (long)height * width, channels] : [1, channels, height, width]);
            results.Add(name);
        }
        if (results.Count == 0)
            return null;
        var network = _network;
        var fused = steps[0] with
        {
            Operator = "Network",
            Inputs = [_input],
            Outputs = [.. results],
            Kernel = x => [.. network.Run(x[0].contiguous())],
            Layer = null,
        };
        return [fused, .. _rest];
    }

    private bool TakeAsLayer(Step step)
    {
        string[] images = [.. step.Inputs.Where(name => name.Length > 0 && !_constants.ContainsKey(name))];
        if (images.Length == 0 || !images.All(_images.ContainsKey) || !TakesOnlyImages(step, images))
            return false;
        ImageShape[] shapes = [.. images.Select(name => _network.ShapeOf(_images[name]))];
        if (LayerOf(step, shapes) is not { } layer || layer is PlanarLayer && images[0] != _input)
            return false;
        var made = _network.Add(layer, [.. images.Select(name => name == _input && layer is not PlanarLayer ? InOrder() : _images[name])]);
        foreach (var (name, image) in step.Outputs.Zip(made).Where(pair => pair.First.Length > 0))
            _images.Add(name, image);
        return true;
    }

    // And not, say, an image where the file should have numbers, nor more inputs than the operator knows.
    private static bool TakesOnlyImages(Step step, string[] images) => step.Operator switch
    {
        "Add" => images.Length == 2 && step.Inputs.Length == 2,
        "Concat" or GraphRewriting.Shuffle => true,
        _ => images is [var only] && step.Inputs[0] == only,
    };

    // The input as layers take it.
    private int InOrder() => _inOrder ??= _network.Add(new PlanarLayer(_network.ShapeOf(0), [(0, 0)]), 0)[0];

    private ILayer? LayerOf(Step step, ImageShape[] shapes) => step.Layer?.Invoke(shapes) ?? step.Operator switch
    {
        "Add" when shapes is [var one, var other] && one == other => new SumLayer(one),
        "Sigmoid" => new SigmoidLayer(shapes[0]),
        "MaxPool" => MaxPool(step, shapes[0]),
        "Resize" or "Upsample" => Resize(step, shapes[0]),
        "Concat" or "Split" or "Slice" or GraphRewriting.Shuffle => Channels(step, shapes),
        _ => null,
    };

    private static MaxPoolLayer? MaxPool(Step step, ImageShape shape)
    {
        var window = new Window(step.Node);
        var place = window.On([1, shape.Channels, shape.Height, shape.Width], window.Kernel);
        if (window.Dilations is not [1, 1] || !place.IsSymmetric || shape.Channels < Vector<float>.Count
            || place.Begin[0] > window.Kernel[0] / 2 || place.Begin[1] > window.Kernel[1] / 2)
            return null;
        var sliding = new SlidingWindow(
            (int)window.Kernel[0], (int)window.Kernel[1], shape.Channels, (int)window.Strides[0], (int)window.Strides[1],
            (int)place.Begin[0], (int)place.Begin[1]);
        return new MaxPoolLayer(shape, sliding, (int)place.Height, (int)place.Width);
    }

    // Of a ramp, each pixel's number is its place.
    private ResizeLayer? Resize(Step step, ImageShape shape)
    {
        using var scope = NewDisposeScope();
        long[] whole = [1, shape.Channels, shape.Height, shape.Width];
        var down = Compute(step, [Ramp(shape.Height).view(1, 1, -1, 1).expand(whole)])[0];
        var across = Compute(step, [Ramp(shape.Width).view(1, 1, 1, -1).expand(whole)])[0];
        var inward = Compute(step, [Ramp(shape.Channels).view(1, -1, 1, 1).expand(whole)])[0];
        if (down.shape is not [1, var channels, > 0, > 0] || channels != shape.Channels)
            return null;
        var (rows, columns) = (down[0, 0, .., 0], across[0, 0, 0, ..]);
        return IsEqual(inward, Ramp(channels).view(1, -1, 1, 1).expand(down.shape))
            && IsEqual(down, rows.view(1, 1, -1, 1).expand(down.shape)) && IsEqual(across, columns.expand(across.shape))
            ? new ResizeLayer(shape, rows.to_type(ScalarType.Float32).Numbers<float>(), columns.to_type(ScalarType.Float32).Numbers<float>())
            : null;
    }

    // Where each channel of a result came from, if its pixels are where they were, and no channel is lost.
    private ChannelLayer? Channels(Step step, ImageShape[] shapes)
    {
        var (height, width) = (shapes[0].Height, shapes[0].Width);
        if (shapes.Any(shape => shape.Height != height || shape.Width != width))
            return null;
        using var scope = NewDisposeScope();
        long size = (long)height * width;
        var results = Compute(step, Numbered(shapes));
        var orders = new List<int[]>();
        foreach (var result in results)
        {
            if (result.shape is not [1, > 0, var rows, var columns] || rows != height || columns != width)
                return null;
            var first = result[0, .., 0, 0];
            if (!IsEqual(result, first.view(1, -1, 1, 1).Plus(Ramp(size).view(1, 1, height, width))))
                return null;
            orders.Add([.. first.Numbers<double>().Select(number => (int)(number / size))]);
        }
        var channels = shapes.Sum(shape => shape.Channels);
        return orders.SelectMany(order => order).Order().SequenceEqual(Enumerable.Range(0, channels))
            ? new ChannelLayer(new ChannelMap([.. shapes.Select(shape => shape.Channels)], orders), height, width)
            : null;
    }

    // The pixels of all images one after the other, of which exporters make a reshape each, a concatenation, and a transposition.
    private bool TakeAsRows(Step step)
    {
        if (step.Operator != "Transpose" || step.Inputs is not [var joined] || _readers.Only(joined) is null
            || !_makers.TryGetValue(joined, out var concat) || concat.Operator != "Concat")
            return false;
        Step[] parts = [.. concat.Inputs.Select(name => _makers.GetValueOrDefault(name)).OfType<Step>()];
        if (parts.Length != concat.Inputs.Length
            || !parts.All(part => part.Operator == "Reshape" && part.Inputs[0] != _input && _images.ContainsKey(part.Inputs[0])
                && part.Inputs[1..].All(_constants.ContainsKey) && _readers.Only(part.Outputs[0]) is not null))
            return false;
        int[] images = [.. parts.Select(part => _images[part.Inputs[0]])];
        ImageShape[] shapes = [.. images.Select(_network.ShapeOf)];
        if (shapes.Any(shape => shape.Channels != shapes[0].Channels))
            return false;
        using var scope = NewDisposeScope();
        var numbered = Numbered(shapes);
        var made = Compute(step, Compute(concat, [.. parts.Zip(numbered, (part, image) => Compute(part, [image])[0])]))[0];
        if (!IsEqual(made, cat([.. numbered.Select(image => image.permute(0, 2, 3, 1).flatten(1, 2))], 1)))
            return false;
        _rows.Add(step.Outputs[0], _network.Add(new RowsLayer(shapes), images)[0]);
        _rest.RemoveAll(one => one == concat || parts.Contains(one));
        return true;
    }

    // Each pixel of each channel of each image has a number of its own, in order.
    private static Tensor[] Numbered(ImageShape[] shapes)
    {
        var images = new Tensor[shapes.Length];
        long first = 0;
        foreach (var (i, shape) in shapes.Index())
        {
            images[i] = Ramp(shape.Count).Plus(first).view(1, shape.Channels, shape.Height, shape.Width);
            first += shape.Count;
        }
        return images;
    }

    // 0, 1, 2, …, in which float64 is exact.
    private static Tensor Ramp(long count) => ones(count, dtype: ScalarType.Float64).cumsum(0).Plus(-1);

    private static bool IsEqual(Tensor a, Tensor b) => a.shape.AsSpan().SequenceEqual(b.shape) && a.equal(b).all().ReadCpuBool(0);

    private Tensor[] Compute(Step step, IEnumerable<Tensor> images)
    {
        var next = new Queue<Tensor>(images);
        return step.Kernel(new Inputs(
            [.. step.Inputs.Select(name => name.Length == 0 ? null : _constants.TryGetValue(name, out var constant) ? constant : next.Dequeue())],
            CPU));
    }
}
