using CsCheck;
using GenIsp.Detection;
using GenIsp.Detection.Frozen;
using GenIsp.Detection.OnnxGraph;
using GenIsp.Detection.OnnxGraph.Proto;
using GenIsp.Tests.Detection.OnnxGraph;
using TorchSharp;
using static TorchSharp.torch;

namespace GenIsp.Tests.Detection.Frozen;

/// <summary>Networks made of ONNX graphs, beside the same graphs in libtorch's operations and float64, there and back.</summary>
public sealed class FrozenNetworkTests
{
    // What detectors are made of: a stem, a pool, another size, images side by side, a sum, and points row by row.
    private static ModelProto LittleDetector(int height, int width, int channels, int pool, string resize) =>
        Focus(new OnnxBuilder(13, 1, 3, height, width))
            .RandomWeight("stem", channels, 12, 3, 3).RandomWeight("bias", channels).RandomWeight("mix", channels, 2 * channels, 1, 1)
            .RandomWeight("own", channels, 1, 3, 3).RandomWeight("head", 19, channels, 1, 1)
            .Weight("twice", [1, 1, 2, 2]).Longs("parts", 4, 15).Longs("points", 1, 19, -1)
            .Node("Conv", "focus stem bias", "a", ("pads", new[] { 1, 1, 1, 1 })).Node("Sigmoid", "a", "sa").Node("Mul", "a sa", "b")
            .Node("MaxPool", "b", "c", ("kernel_shape", new[] { pool, pool }), ("pads", new[] { pool / 2, pool / 2, pool / 2, pool / 2 }))
            .Node("Concat", "b c", "d", ("axis", 1))
            .Node("Conv", "d mix", "e").Node("LeakyRelu", "e", "f", ("alpha", 0.1f))
            .Node("Conv", "f own", "g", ("pads", new[] { 1, 1, 1, 1 }), ("group", channels))
            .Node("Add", "f g", "h").Node("Resize", "h _ twice", "i", ("mode", resize))
            .Node("Conv", "h head", "j").Node("Conv", "i head", "k")
            .Node("Split", "j parts", "j1 j2", ("axis", 1)).Node("Sigmoid", "j2", "j3").Node("Concat", "j1 j3", "j4", ("axis", 1))
            .Node("Reshape", "j4 points", "rows1").Node("Reshape", "k points", "rows2").Node("Concat", "rows1 rows2", "all", ("axis", 2))
            .Node("Transpose", "all", "y", ("perm", new[] { 0, 2, 1 })).Build();

    private static OnnxBuilder Focus(OnnxBuilder model) => model
        .Longs("zero", 0).Longs("one", 1).Longs("two", 2).Longs("three", 3).Longs("end", long.MaxValue)
        .Node("Slice", "x zero end two two", "r0").Node("Slice", "r0 zero end three two", "p0")
        .Node("Slice", "x one end two two", "r1").Node("Slice", "r1 zero end three two", "p1")
        .Node("Slice", "x zero end two two", "r2").Node("Slice", "r2 one end three two", "p2")
        .Node("Slice", "x one end two two", "r3").Node("Slice", "r3 one end three two", "p3")
        .Node("Concat", "p0 p1 p2 p3", "focus", ("axis", 1));

    private static OnnxBuilder On(int channels, int height, int width) => new(13, 1, channels, height, width);

    private static Graph Load(ModelProto model, ScalarType type, bool isFrozen)
    {
        long[] shape = [.. Graph.SoleInput(model, "m").Type.TensorType.Shape.Dim.Select(dim => dim.DimValue)];
        var graph = Graph.Load(model, "m.onnx", shape, type);
        if (isFrozen)
            graph.Freeze(DetectorTypes.Of(DetectorPrecision.Float32), CPU);
        return graph;
    }

    private static Tensor Input(ModelProto model, ScalarType type)
    {
        long[] shape = [.. Graph.SoleInput(model, "m").Type.TensorType.Shape.Dim.Select(dim => dim.DimValue)];
        return tensor(OnnxBuilder.Random(shape.Aggregate(1L, (product, size) => product * size), 3), shape, dtype: type);
    }

    // The results, and the gradient of a sum of them in which each number has a weight of its own.
    private static (Tensor[] Made, Tensor Gradient) ThereAndBack(Graph graph, Tensor image)
    {
        var x = image.detach().clone().requires_grad_();
        var made = graph.Run(x);
        var sum = made.Select((one, i) => (one * (arange(one.numel(), dtype: one.dtype) + i).sin().view(one.shape)).sum())
            .Aggregate((a, b) => a + b);
        sum.backward();
        return (made, x.grad!);
    }

    private static void ShouldBeFloat64s(ModelProto model, int? steps = null, double tolerance = 1e-5)
    {
        using var scope = NewDisposeScope();
        using var plain = Load(model, ScalarType.Float64, isFrozen: false);
        using var frozen = Load(model, ScalarType.Float32, isFrozen: true);
        frozen.StepCount.ShouldBe(steps ?? frozen.StepCount);
        var expected = ThereAndBack(plain, Input(model, ScalarType.Float64));

        var found = ThereAndBack(frozen, Input(model, ScalarType.Float32));

        foreach (var (one, reference) in found.Made.Append(found.Gradient).Zip(expected.Made.Append(expected.Gradient)))
        {
            one.shape.ShouldBe(reference.shape);
            (one.@double() - reference).abs().max().item<double>()
                .ShouldBeLessThan(tolerance * Math.Max(1, reference.abs().max().item<double>()));
        }
        using var quiet = no_grad();
        foreach (var (one, again) in found.Made.Zip(frozen.Run(Input(model, ScalarType.Float32))))
            one.equal(again).all().item<bool>().ShouldBeTrue("without a gradient");
    }

    [Fact]
    public void A_little_detector_is_one_step_there_and_back() => Gen.Select(
            Gen.Int[3, 20], Gen.Int[3, 20], Gen.Int[16, 33], Gen.Int[1, 2], Gen.Bool)
        .Sample((height, width, channels, pool, isLinear) =>
            // Sums of some hundred products, by Winograd's rule.
            ShouldBeFloat64s(
                LittleDetector(2 * height, 2 * width, channels, 2 * pool + 1, isLinear ? "linear" : "nearest"), steps: 1, tolerance: 1e-4),
            iter: 20, threads: 1);

    [Fact]
    public void A_pool_keeps_the_place_of_the_greatest() => Gen.Select(
            Gen.Int[8, 20], Gen.Int[1, 9], Gen.Int[1, 9], Gen.Int[1, 4], Gen.Int[1, 3], Gen.Int[0, 2])
        .Where((_, height, width, kernel, _, pad) => pad <= kernel / 2 && kernel <= Math.Min(height, width) + pad)
        .Sample((channels, height, width, kernel, stride, pad) => ShouldBeFloat64s(
            On(channels, height, width).Node("MaxPool", "x", "y", ("kernel_shape", new[] { kernel, kernel }),
                ("strides", new[] { stride, stride }), ("pads", new[] { pad, pad, pad, pad })).Build(),
            steps: 1), iter: 60, threads: 1);

    [Theory]
    [InlineData("nearest", "asymmetric"), InlineData("nearest", "half_pixel"), InlineData("linear", "half_pixel")]
    [InlineData("linear", "asymmetric"), InlineData("linear", "align_corners")]
    public void Another_size(string mode, string places) => Gen.Select(
            Gen.Int[1, 40], Gen.Int[1, 7], Gen.Int[1, 7], Gen.Int[1, 15], Gen.Int[1, 15])
        .Sample((channels, height, width, newHeight, newWidth) => ShouldBeFloat64s(
            On(channels, height, width).Longs("sizes", 1, channels, newHeight, newWidth)
                .Node("Resize", "x _ _ sizes", "y", ("mode", mode), ("coordinate_transformation_mode", places)).Build(),
            steps: 1), iter: 20, threads: 1);

    // Whatever an exporter writes for it.
    [Theory]
    [InlineData("Concat", "x x", "y"), InlineData("Split", "x parts", "y z w"), InlineData("Slice", "x last before one minus", "y")]
    [InlineData("Add", "x x", "y"), InlineData("Sigmoid", "x", "y")]
    public void Channels_and_numbers(string kind, string inputs, string outputs) => ShouldBeFloat64s(
        On(20, 5, 7).Longs("parts", 3, 1, 16).Longs("last", -1).Longs("before", long.MinValue).Longs("one", 1).Longs("minus", -1)
            .Node(kind, inputs, outputs, kind is "Concat" or "Split" ? [("axis", 1)] : []).Build(outputs),
        steps: 1);

    // Rows that are turned round stay where they are, and so does a part of the channels.
    [Theory]
    [InlineData("x last before two minus"), InlineData("x one end one one"), InlineData("x zero end three two")]
    public void What_is_no_exchange_of_channels_stays_libtorchs(string inputs) => ShouldBeFloat64s(
        On(16, 4, 6).Longs("last", -1).Longs("before", long.MinValue).Longs("minus", -1)
            .Longs("zero", 0).Longs("one", 1).Longs("two", 2).Longs("three", 3).Longs("end", long.MaxValue)
            .Node("Sigmoid", "x", "s").Node("Slice", inputs.Replace("x", "s", StringComparison.Ordinal), "t").Node("Sigmoid", "t", "y").Build(),
        steps: 3);

    // Odd files, but the plain operators take them.
    [Theory]
    [InlineData("Add", "x x c"), InlineData("Sigmoid", "x x"), InlineData("Sigmoid", "c x"), InlineData("Concat", "x c")]
    [InlineData("Resize", "x x scales"), InlineData("Resize", "x _ deeper")]
    public void What_a_layer_does_not_know_stays_libtorchs(string kind, string inputs) => ShouldBeFloat64s(
        On(16, 4, 6).RandomWeight("c", 1, 16, 4, 6).Weight("scales", [1, 1, 2, 2]).Weight("deeper", [1, 1.05f, 2, 2])
            .Node(kind, inputs, "a", kind switch
            {
                "Concat" => [("axis", 1)],
                "Resize" => [("coordinate_transformation_mode", "asymmetric")],
                _ => [],
            })
            .Node("Add", "x x", "b").Build("a b"),
        steps: 2);

    [Fact]
    public void Every_second_pixel_of_a_layers_image_is_right()
    {
        var model = On(16, 4, 6).Node("Sigmoid", "x", "s");
        Focus(model);
        foreach (var node in model.Model.Graph.Node.Where(node => node.OpType == "Slice" && node.Input[0] == "x"))
            node.Input[0] = "s";

        ShouldBeFloat64s(model.Build("focus"), steps: 2);
    }

    [Theory]
    [InlineData("ceil_mode", 1), InlineData("dilations", 2), InlineData("pads", 1), InlineData("auto_pad", 0)]
    public void Pools_of_all_kinds_are_right(string attribute, int value) => ShouldBeFloat64s(
        On(16, 7, 8).Node(
            "MaxPool", "x", "y", ("kernel_shape", new[] { 3, 2 }), ("strides", new[] { 2, 2 }), attribute switch
            {
                "auto_pad" => (attribute, "SAME_UPPER"),
                "dilations" => (attribute, new[] { value, value }),
                "pads" => (attribute, new[] { value, 0, 0, value }),
                _ => (attribute, value),
            }).Build());

    [Theory]
    [InlineData("Split", "x parts", "y _ w", "y w", 1), InlineData("Concat", "x x", "y", "y", -3), InlineData("Sigmoid", "x", "y", "y x", 1)]
    public void Names_and_axes(string kind, string inputs, string made, string outputs, int axis) => ShouldBeFloat64s(
        On(20, 5, 7).Longs("parts", 3, 1, 16).Node(kind, inputs, made, kind == "Sigmoid" ? [] : [("axis", axis)]).Build(outputs));

    [Fact]
    public void A_result_can_be_read_within() => ShouldBeFloat64s(
        On(16, 3, 3).Node("Sigmoid", "x", "a").Node("Sigmoid", "a", "b").Node("Add", "a b", "c").Build("c a b"), steps: 1);

    // Unequal channels, one that others read, and one that is another shape.
    [Theory]
    [InlineData("a y", 16), InlineData("y", 8)]
    public void Points_that_are_no_rows_stay_libtorchs(string outputs, int channels) => ShouldBeFloat64s(
        On(16, 4, 4).Longs("flat", 1, channels, -1).Node("Sigmoid", "x", "s").Node("Reshape", "s flat", "a").Node("Reshape", "s flat", "b")
            .Node("Concat", "a b", "c", ("axis", 2)).Node("Transpose", "c", "y", ("perm", new[] { 0, 2, 1 })).Build(outputs),
        steps: 5);

    [Fact]
    public void A_network_that_is_gone_is_not_run()
    {
        using var scope = NewDisposeScope();
        var network = new FrozenNetwork(new ImageShape(3, 2, 2));
        network.Return(network.Add(new PlanarLayer(network.ShapeOf(0), [(0, 0)]), 0)[0], [1, 3, 2, 2]);
        network.Run(ones(1, 3, 2, 2))[0].sum().item<float>().ShouldBe(12);
        network.Dispose();

        Should.Throw<ObjectDisposedException>(() => network.Run(ones(1, 3, 2, 2)));
    }

    [Fact]
    public void Only_planes_become_images()
    {
        using var network = new FrozenNetwork(new ImageShape(3, 2, 2));

        Should.Throw<ArgumentException>(() => network.Add(new SigmoidLayer(network.ShapeOf(0)), 0));
        var image = network.Add(new PlanarLayer(network.ShapeOf(0), [(0, 0)]), 0)[0];
        Should.Throw<ArgumentException>(() => network.Add(new PlanarLayer(network.ShapeOf(image), [(0, 0)]), image));
        Should.Throw<ArgumentException>(() => network.Return(0, [1, 3, 2, 2]));
    }

    [Fact]
    public void What_has_no_layer_stays_between_those_that_have_one() => ShouldBeFloat64s(
        On(16, 4, 6).Node("Sigmoid", "x", "a").Node("Tanh", "a", "b").Node("Sigmoid", "b", "c").Node("Add", "a a", "d").Build("d c"),
        steps: 3);

    [Theory]
    [InlineData("p0 p1 p2 p3", "y", 1), InlineData("p3 p2 p0 p1", "y", 1)]
    [InlineData("p0 p1 p2 p2", "y", 9), InlineData("p0 p1 p2 p3", "y r2", 9)]
    public void Slices_of_every_second_pixel_are_one_step(string order, string outputs, int steps)
    {
        var model = Focus(new OnnxBuilder(13, 1, 3, 6, 8)).Node("Concat", order, "y", ("axis", 1)).Build(outputs);
        model.Graph.Node.Remove(model.Graph.Node.Single(node => node.Output[0] == "focus"));

        OnnxRuntimeReference.ShouldAgree(model);

        using var graph = Load(model, ScalarType.Float32, isFrozen: false);
        graph.StepCount.ShouldBe(steps);
        ShouldBeFloat64s(model, steps);
    }

    [Theory]
    [InlineData("weights/yolox_nano.onnx"), InlineData("weights/nanodet_plus_m_416.onnx")]
    public void A_real_detector_is_one_step(string file)
    {
        var path = SharedData.Path(file);
        using var graph = Load(OnnxFile.Read(path), ScalarType.Float32, isFrozen: true);
        graph.StepCount.ShouldBe(1);
    }

    [Fact]
    public void What_is_no_number_is_a_pools_greatest()
    {
        using var scope = NewDisposeScope();
        var model = On(8, 1, 3).Node("MaxPool", "x", "y", ("kernel_shape", new[] { 1, 2 })).Build();
        using var graph = Load(model, ScalarType.Float32, isFrozen: true);

        var made = graph.Run(tensor([float.NaN, 1, 2], [1, 1, 1, 3]).expand(1, 8, 1, 3))[0];

        made[0, 7, 0].Numbers<float>().ShouldBe([float.NaN, 2]);
    }

    [Fact]
    public void The_way_back_can_be_gone_twice()
    {
        using var scope = NewDisposeScope();
        var model = LittleDetector(16, 12, 16, 3, "nearest");
        using var graph = Load(model, ScalarType.Float32, isFrozen: true);
        var image = Input(model, ScalarType.Float32).requires_grad_();
        var sum = graph.Run(image)[0].sum();
        sum.backward(retain_graph: true);
        var once = image.grad!.clone();

        sum.backward();

        image.grad!.equal(once + once).all().item<bool>().ShouldBeTrue();
    }

    [Fact]
    public void A_result_that_nobody_uses_gives_no_gradient()
    {
        using var scope = NewDisposeScope();
        var model = On(8, 2, 2).Node("Sigmoid", "x", "y").Node("Add", "x x", "z").Build("y z");
        using var graph = Load(model, ScalarType.Float32, isFrozen: true);
        var image = Input(model, ScalarType.Float32).requires_grad_();

        graph.Run(image)[1].sum().backward();

        image.grad!.equal(full_like(image, 2)).all().item<bool>().ShouldBeTrue();
    }

    [Fact]
    public void Several_ways_at_once_do_not_meet()
    {
        using var scope = NewDisposeScope();
        var model = LittleDetector(16, 12, 16, 3, "linear");
        using var graph = Load(model, ScalarType.Float32, isFrozen: true);
        var (one, other) = (Input(model, ScalarType.Float32).requires_grad_(), ones(1, 3, 16, 12).requires_grad_());
        var (alone, another) = (ThereAndBack(graph, one).Gradient, ThereAndBack(graph, other).Gradient);

        var (first, second) = (graph.Run(one)[0], graph.Run(other)[0]);
        var weights = arange(first.numel(), dtype: ScalarType.Float32).sin().view(first.shape);
        (first * weights).sum().backward();
        (second * weights).sum().backward();

        one.grad!.equal(alone).all().item<bool>().ShouldBeTrue();
        other.grad!.equal(another).all().item<bool>().ShouldBeTrue();
    }

    [Fact]
    public void A_hundred_ways_there_and_back_leave_nothing_in_memory()
    {
        var model = LittleDetector(16, 12, 16, 3, "nearest");
        using var graph = Load(model, ScalarType.Float32, isFrozen: true);
        void Go()
        {
            using var scope = NewDisposeScope();
            ThereAndBack(graph, Input(model, ScalarType.Float32));
        }
        Go();
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        for (var i = 0; i < 100; i++)
            Go();
        DisposeScopeManager.Statistics.ThreadTotalLiveCount.ShouldBe(before);
    }
}
