using CsCheck;
using GenIsp.Detection;
using GenIsp.Detection.OnnxGraph;
using GenIsp.Detection.OnnxGraph.Proto;
using Google.Protobuf;
using TorchSharp;
using static TorchSharp.torch;

namespace GenIsp.Tests.Detection.OnnxGraph;

public class GraphTests
{
    // A little of everything that a detector has.
    private static OnnxBuilder Small() => new OnnxBuilder(13, 1, 3, 8, 8)
        .RandomWeight("w", 4, 3, 3, 3).RandomWeight("b", 4).Longs("shape", 1, 4, -1).Weight("scales", [1, 1, 2, 2])
        .Node("Conv", "x w b", "c", ("pads", new[] { 1, 1, 1, 1 }), ("strides", new[] { 2, 2 }))
        .Node("Sigmoid", "c", "s").Node("Mul", "c s", "m")
        .Node("Resize", "m _ scales", "r", ("mode", "linear"))
        .Node("MaxPool", "r", "p", ("kernel_shape", new[] { 2, 2 }), ("strides", new[] { 2, 2 }))
        .Node("Concat", "m p", "both", ("axis", 2)).Node("Reshape", "both shape", "flat")
        .Node("Transpose", "flat", "y", ("perm", new[] { 0, 2, 1 }));

    // Two branches, shuffled and taken apart again, as ShuffleNet has them.
    private static OnnxBuilder Shuffled(long[] parts, long height = 4, long width = 3) => new OnnxBuilder(13, 1, 5, 4, 3)
        .RandomWeight("w", 6, 5, 1, 1).Longs("apart", 1, 3, 4, height, width).Longs("together", 1, 12, height, width)
        .Longs("zero", 0).Longs("middle", parts[0]).Longs("rest", parts[1]).Longs("end", long.MaxValue).Longs("one", 1)
        .Node("Conv", "x w", "a").Node("Relu", "a", "b").Node("Concat", "a b", "both", ("axis", 1))
        .Node("Reshape", "both apart", "groups").Node("Transpose", "groups", "dealt", ("perm", new[] { 0, 2, 1, 3, 4 }))
        .Node("Reshape", "dealt together", "shuffled")
        .Node("Slice", "shuffled zero middle one", "first").Node("Slice", "shuffled rest end one one", "second")
        .Node("Neg", "second", "y");

    private static GenIspException Refused(ModelProto model) =>
        Should.Throw<GenIspException>(() => Graph.Load(model, "m.onnx", [1, 3, 8, 8]).Dispose());

    [Theory]
    [InlineData(5, 5, "first y", 4), InlineData(5, 6, "first y", 6), InlineData(5, 4, "first y", 6), InlineData(5, 5, "first y shuffled", 6)]
    public void Channels_that_are_shuffled_and_taken_apart_are_one_step(int middle, int rest, string outputs, int steps)
    {
        var model = Shuffled([middle, rest]).Build(outputs);

        OnnxRuntimeReference.ShouldAgree(model);

        using var graph = Graph.Load(model, "m.onnx", [1, 5, 4, 3]);
        graph.StepCount.ShouldBe(steps);
    }

    [Fact]
    public void A_shuffle_into_another_size_stays_one() => OnnxRuntimeReference.ShouldAgree(Shuffled([5, 5], 3, 4).Build("first y"));

    [Theory]
    [InlineData("Concat"), InlineData("Conv")]
    public void A_node_that_makes_nothing_is_refused(string kind)
    {
        var model = new OnnxBuilder(13, 1, 3, 8, 8).RandomWeight("w", 4, 3, 3, 3)
            .Node(kind, kind == "Conv" ? "x w" : "x x", "none", kind == "Conv" ? [] : [("axis", 1)]).Node("Relu", "x", "y").Build();
        model.Graph.Node[0].Output.Clear();

        Refused(model).Message.ShouldContain("makes nothing");
    }

    [Fact]
    public void Shuffled_channels_have_the_gradient_of_float64()
    {
        using var scope = NewDisposeScope();
        var values = OnnxBuilder.Random(60, 3);
        Tensor Gradient(ScalarType type)
        {
            using var graph = Graph.Load(Shuffled([5, 5]).Build("first y"), "m.onnx", [1, 5, 4, 3], type);
            var x = tensor(values, [1, 5, 4, 3], dtype: type).requires_grad_();
            var made = graph.Run(x);
            (made[0].square().sum() + made[1].exp().sum()).backward();
            return x.grad!.@double().MoveToOuterDisposeScope();
        }

        (Gradient(ScalarType.Float32) - Gradient(ScalarType.Float64)).abs().max().item<double>().ShouldBeLessThan(1e-5);
    }

    [Theory]
    [InlineData("weights/yolox_nano.onnx"), InlineData("weights/nanodet_plus_m_416.onnx")]
    public void Real_detectors_agree_with_ONNX_Runtime(string file)
    {
        var model = OnnxFile.Read(SharedData.Path(file));
        using var scope = NewDisposeScope();
        using var photo = Photo.Read(SharedData.Path("coco/val2017/000000000139.jpg"));
        var (input, _) = GenIsp.Detection.DetectorInput.Yolox(416, 416).Apply(photo);
        float[][] pictures =
        [
            [.. OnnxBuilder.Random(3 * 416 * 416, 1).Select(value => value * 128 + 128)], OnnxBuilder.Random(3 * 416 * 416, 2),
            input.data<float>().ToArray(),
        ];
        // Through a hundred layers float32 leaves about 1e-4 of the values, which reach 20. libtorch's lazy device loses one of the parts
        // that NanoDet splits and joins again.
        foreach (var values in pictures)
            OnnxRuntimeReference.ShouldAgree(model, 1e-3, values, elsewhere: false);
    }

    [Theory]
    [InlineData("weights/yolox_nano.onnx", 255, 1e-5), InlineData("weights/nanodet_plus_m_416.onnx", 4, 1e-8)]
    public void The_gradient_of_a_real_detector_is_that_of_finite_differences(string file, float range, double step)
    {
        // In float64 the difference is exact to about six digits. NanoDet's step must be small: each of its many LeakyReLUs that
        // changes sign within the step adds an error.
        var path = SharedData.Path(file);
        using var scope = NewDisposeScope();
        using var graph = Graph.Load(OnnxFile.Read(path), path, [1, 3, 416, 416], ScalarType.Float64);
        var generator = new Generator(5);
        var image = rand([1, 3, 416, 416], ScalarType.Float64, generator: generator) * range;
        Tensor Objective(Tensor x)
        {
            using var inner = NewDisposeScope();
            return graph.Run(x)[0].sigmoid().sum().MoveToOuterDisposeScope();
        }
        image.requires_grad = true;
        Objective(image).backward();
        var gradient = image.grad!;
        gradient.abs().sum().item<double>().ShouldBeGreaterThan(0);
        using var frozen = no_grad();
        for (var i = 0; i < 3; i++)
        {
            var direction = randn([1, 3, 416, 416], ScalarType.Float64, generator: generator);
            var expected = (Objective(image + direction * step) - Objective(image - direction * step)).item<double>() / (2 * step);
            (gradient * direction).sum().item<double>().ShouldBe(expected, 1e-4 * Math.Max(1, Math.Abs(expected)));
        }
    }

    [Fact]
    public void Only_the_input_gets_a_gradient_and_nothing_is_left_in_memory()
    {
        using var graph = Graph.Load(Small().Build(), "m.onnx", [1, 3, 8, 8]);
        var statistics = DisposeScopeManager.Statistics;
        var before = statistics.ThreadTotalLiveCount;
        for (var i = 0; i < 3; i++)
        {
            using var scope = NewDisposeScope();
            var input = rand(1, 3, 8, 8, requires_grad: true);
            var output = graph.Run(input)[0];
            output.requires_grad.ShouldBeTrue();
            output.sum().backward();
            input.grad!.abs().sum().item<float>().ShouldBeGreaterThan(0);
            graph.Run(rand(1, 3, 8, 8))[0].requires_grad.ShouldBeFalse();
        }
        statistics.ThreadTotalLiveCount.ShouldBe(before);
    }

    [Fact]
    public void What_does_not_depend_on_the_image_is_computed_at_load()
    {
        var model = new OnnxBuilder(13, 1, 3, 8, 8).Node("Shape", "x", "s").Longs("zero", 0).Node("Gather", "s zero", "n")
            .Longs("rest", -1).Node("Concat", "n rest", "to", ("axis", 0)).Node("Reshape", "x to", "y").Build();
        using var graph = Graph.Load(model, "m.onnx", [1, 3, 8, 8]);
        graph.StepCount.ShouldBe(1);
        using var scope = NewDisposeScope();
        graph.Run(zeros(1, 3, 8, 8))[0].shape.ShouldBe([1, 192]);
    }

    [Fact]
    public void An_input_that_is_itself_an_output_is_not_the_callers_tensor()
    {
        using var scope = NewDisposeScope();
        using var graph = Graph.Load(new OnnxBuilder(13, 2).Node("Identity", "x", "y").Build("y x"), "m.onnx", [2]);
        var input = ones(2);
        foreach (var output in graph.Run(input))
            output.Dispose();
        input.sum().item<float>().ShouldBe(2);
    }

    [Fact]
    public void An_input_of_another_shape_is_the_callers_mistake()
    {
        using var graph = Graph.Load(Small().Build(), "m.onnx", [1, 3, 8, 8]);
        using var other = zeros(1, 3, 8, 16);
        Should.Throw<ArgumentException>(() => graph.Run(other));
    }

    [Fact]
    public void Everything_that_is_not_supported_is_named_at_once()
    {
        var model = Small().Node("NonMaxSuppression", "y y", "z").Node("Resize", "m _ scales", "q", ("mode", "cubic"))
            .Node("Conv", "x w b", "v", ("pads", new[] { 1, 1 })).Node("Relu", "x", "u", ("secret", 1)).Build();
        model.Graph.Node[^1].Domain = "ai.onnx";
        model.Graph.Node.Add(new NodeProto { OpType = "Relu", Domain = "com.example", Name = "own" });
        var message = Refused(model).Message;
        message.ShouldContain("m.onnx");
        message.ShouldContain("NonMaxSuppression node 'NonMaxSuppression_8' (opset 13)");
        message.ShouldContain("Resize node 'Resize_9' (opset 13): mode = cubic");
        message.ShouldContain("Conv node 'Conv_10' (opset 13): only windows of two dimensions");
        message.ShouldContain("Relu node 'Relu_11' (opset 13): attribute secret");
        message.ShouldContain("com.example.Relu node 'own'");
    }

    [Fact]
    public void Nodes_that_lack_the_same_are_counted_and_the_first_is_named()
    {
        var model = Small();
        for (var i = 0; i < 30; i++)
            model.Node("NonMaxSuppression", "y y", $"boxes{i}");

        Refused(model.Build()).Message.ShouldBe(
            "m.onnx needs what is not supported: NonMaxSuppression node 'NonMaxSuppression_8' (opset 13), and 29 more nodes of this kind.");
    }

    [Theory]
    [InlineData(6), InlineData(99)]
    public void An_opset_of_another_time_is_refused(int opset) =>
        Refused(new OnnxBuilder(opset, 1, 3, 8, 8).Node("Relu", "x", "y").Build()).Message.ShouldContain($"version {opset}");

    [Fact]
    public void Contradictions_in_the_graph_are_named()
    {
        Refused(Small().Node("Relu", "later", "q").Node("Relu", "q", "later").Build())
            .Message.ShouldContain("'later', which nothing before it");
        Refused(Small().Node("Relu", "x", "m").Build()).Message.ShouldContain("makes 'm', which exists already");
        Refused(Small().RandomWeight("b", 4).Build()).Message.ShouldContain("two weights named 'b'");
        Refused(Small().Build("y nothing")).Message.ShouldContain("nothing makes the output 'nothing'");
        Refused(Small().Node("Reshape", "x b", "q").Build()).Message.ShouldContain("Reshape node 'Reshape_8' (opset 13) can't be computed");
        Refused(Small().Node("Relu", "", "q").Build()).Message.ShouldContain("input 1 is missing");
        Refused(Small().Node("Slice", "x x x x x x", "q", ("axis", 1), ("axis", 1)).Build()).Message.ShouldContain("two attributes 'axis'");
        Refused(Small().Node("LeakyRelu", "x", "q", ("alpha", 1)).Build()).Message.ShouldContain("'alpha'");
        Refused(Small().Build(outputs: "")).Message.ShouldContain("no output");
        var model = Small().Build();
        model.Graph.Input.Add(new ValueInfoProto { Name = "second" });
        Refused(model).Message.ShouldContain("2 inputs (x, second)");
    }

    [Theory]
    [InlineData("Expand"), InlineData("ConstantOfShape"), InlineData("Tile")]
    public void A_tensor_of_unreasonable_size_is_never_made(string op)
    {
        var builder = Small().Longs("huge", 1 << 20, 3, 1 << 20, 1 << 20).Node("GlobalMaxPool", "x", "one");
        Refused(builder.Node(op, op == "ConstantOfShape" ? "huge" : "one huge", "q").Build()).Message.ShouldContain("unreasonable size");
    }

    [Fact]
    public void Divisors_of_zero_do_not_end_the_process()
    {
        Refused(Small().Longs("zero", 0).Longs("one", 1).Node("Div", "one zero", "q").Build()).Message.ShouldContain("divided");
        Refused(Small().Longs("least", long.MinValue).Longs("minus", -1).Node("Div", "least minus", "q").Build())
            .Message.ShouldContain("divided");
        Refused(Small().Node("Conv", "x w", "q", ("strides", new[] { 0, 1 })).Build()).Message.ShouldContain("out of range");
        Refused(Small().Node("Conv", "x w", "q", ("group", 0)).Build()).Message.ShouldContain("0 groups");
        Refused(Small().Node("MaxPool", "x", "q").Build()).Message.ShouldContain("MaxPool_8");
    }

    [Fact]
    public void Damaged_files_are_refused_and_nothing_else_happens()
    {
        var whole = Small().Build().ToByteArray();
        var path = Path.GetTempFileName();
        try
        {
            (from place in Gen.Int[0, whole.Length - 1]
             from value in Gen.Byte
             from length in Gen.Frequency((4, Gen.Const(whole.Length)), (1, Gen.Int[0, whole.Length - 1]))
             select (place, value, length)).Sample(
                damage =>
                {
                    var bytes = whole[..damage.length];
                    if (damage.place < bytes.Length)
                        bytes[damage.place] = damage.value;
                    File.WriteAllBytes(path, bytes);
                    try
                    {
                        using var scope = NewDisposeScope();
                        using var graph = Graph.Load(OnnxFile.Read(path), path, [1, 3, 8, 8]);
                        graph.Run(zeros(1, 3, 8, 8));
                        graph.Freeze(DetectorTypes.Of(DetectorPrecision.Float32), CPU);
                        graph.Run(zeros(1, 3, 8, 8));
                        OnnxFile.ReadInitializers(path);
                    }
                    catch (GenIspException)
                    {
                    }
                },
                iter: 600, threads: 1);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
