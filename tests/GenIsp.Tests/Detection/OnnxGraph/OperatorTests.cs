using GenIsp.Detection;
using GenIsp.Detection.OnnxGraph;
using static GenIsp.Tests.Detection.OnnxGraph.OnnxRuntimeReference;

namespace GenIsp.Tests.Detection.OnnxGraph;

/// <summary>
/// Each operator on a small graph, against ONNX Runtime. Both compute in float32 and only sum in another order, hence 1e-5.
/// </summary>
public class OperatorTests
{
    private static OnnxBuilder On(int opset, params long[] shape) => new(opset, shape);

    // One node with a single input and output.
    private static void Check(string op, int opset, long[] shape, params (string, object)[] attributes) =>
        ShouldAgree(On(opset, shape).Node(op, "x", "y", attributes).Build());

    [Theory]
    [InlineData("Relu", 14), InlineData("Sigmoid", 13), InlineData("HardSwish", 14), InlineData("Mish", 18), InlineData("Softplus", 11)]
    [InlineData("Tanh", 13), InlineData("Exp", 13), InlineData("Neg", 13), InlineData("Abs", 13), InlineData("Floor", 13)]
    [InlineData("Ceil", 13), InlineData("Identity", 13), InlineData("LeakyRelu", 11), InlineData("Elu", 11), InlineData("HardSigmoid", 11)]
    [InlineData("GlobalAveragePool", 11), InlineData("GlobalMaxPool", 11), InlineData("Dropout", 11), InlineData("Dropout", 13)]
    [InlineData("Flatten", 11), InlineData("Transpose", 11), InlineData("Softmax", 11), InlineData("Softmax", 13)]
    public void Operators_with_their_defaults(string op, int opset) => Check(op, opset, [2, 3, 4, 5]);

    [Fact]
    public void Activations_with_parameters()
    {
        Check("LeakyRelu", 16, [2, 3, 4, 5], ("alpha", 0.1f));
        Check("Elu", 16, [2, 3, 4, 5], ("alpha", 0.5f));
        Check("HardSigmoid", 16, [2, 3, 4, 5], ("alpha", 1 / 6f), ("beta", 0.5f));
        ShouldAgree(On(16, 2, 3, 4, 5).RandomWeight("slope", 3, 1, 1).Node("PRelu", "x slope", "y").Build());
    }

    [Fact]
    public void Clip_takes_its_limits_from_attributes_or_inputs()
    {
        Check("Clip", 10, [2, 3], ("min", -0.5f), ("max", 0.25f));
        Check("Clip", 10, [2, 3], ("max", 0.25f));
        ShouldAgree(On(13, 2, 3).Scalar("low", -0.5f).Scalar("high", 0.25f).Node("Clip", "x low high", "y").Build());
        ShouldAgree(On(11, 2, 3).Scalar("high", 0.25f).Node("Clip", "x _ high", "y").Build());
    }

    [Theory]
    [InlineData("Add"), InlineData("Sub"), InlineData("Mul"), InlineData("Div"), InlineData("Min"), InlineData("Max")]
    public void Arithmetic_broadcasts(string op)
    {
        ShouldAgree(On(13, 2, 3, 4, 5).RandomWeight("w", 3, 1, 5).Node(op, "x w", "y").Build());
        ShouldAgree(On(13, 3, 1).RandomWeight("w", 2, 3, 4).Node(op, "w x", "y").Build());
        ShouldAgree(On(13, 3, 1).Node(op, "x x", "y").Build());
    }

    [Fact]
    public void Powers_roots_and_logarithms()
    {
        ShouldAgree(On(13, 2, 3).Scalar("two", 2).Node("Pow", "x two", "y").Build());
        ShouldAgree(On(13, 2, 3).RandomWeight("w", 2, 3).Node("Abs", "x", "a").Node("Pow", "a w", "y").Build());
        ShouldAgree(On(13, 2, 3).Node("Abs", "x", "a").Node("Sqrt", "a", "y").Build());
        ShouldAgree(On(13, 2, 3).Node("Abs", "x", "a").Node("Log", "a", "y").Build());
    }

    [Theory]
    [InlineData("Equal"), InlineData("Less"), InlineData("Greater")]
    public void Comparisons_choose_with_where(string op) => ShouldAgree(
        On(16, 2, 3).RandomWeight("w", 3).Node("Relu", "x", "r").Node(op, "x r", "c").Node("Where", "c x w", "y").Build());

    [Fact]
    public void Cast_makes_numbers_of_booleans_and_integers() => ShouldAgree(
        On(13, 2, 3).Scalar("ten", 10).Node("Mul", "x ten", "t").Node("Cast", "t", "i", ("to", 7)).Node("Cast", "i", "y", ("to", 1))
            .Node("Cast", "i", "b", ("to", 9)).Node("Cast", "b", "z", ("to", 1)).Build("y z"));

    [Theory]
    [InlineData(1, 1, 3, 3, 1, 1), InlineData(2, 1, 5, 3, 2, 1), InlineData(4, 2, 3, 3, 1, 2), InlineData(4, 4, 3, 5, 2, 1)]
    [InlineData(1, 1, 1, 1, 3, 1)]
    public void Convolutions(int channels, int groups, int kernelHeight, int kernelWidth, int stride, int dilation) => ShouldAgree(
        On(13, 2, channels, 11, 13).RandomWeight("w", 4, channels / groups, kernelHeight, kernelWidth).RandomWeight("b", 4)
            .Node("Conv", "x w b", "y", ("group", groups), ("strides", new[] { stride, stride + 1 }),
                ("dilations", new[] { dilation, 1 }), ("pads", new[] { 1, 2, 1, 2 })).Build());

    [Fact]
    public void Convolutions_with_uneven_pads_or_without_attributes()
    {
        ShouldAgree(On(11, 1, 2, 8, 9).RandomWeight("w", 3, 2, 3, 3).Node("Conv", "x w", "y", ("pads", new[] { 0, 1, 2, 3 })).Build());
        ShouldAgree(On(11, 1, 2, 8, 9).RandomWeight("w", 3, 2, 3, 2).Node("Conv", "x w", "y").Build());
    }

    [Theory]
    [InlineData("SAME_UPPER"), InlineData("SAME_LOWER"), InlineData("VALID")]
    public void Pads_that_the_node_leaves_to_the_reader(string mode)
    {
        (string, object)[] attributes = [("auto_pad", mode), ("kernel_shape", new[] { 3, 4 }), ("strides", new[] { 2, 3 })];
        ShouldAgree(On(11, 1, 2, 8, 9).RandomWeight("w", 3, 2, 3, 4).Node("Conv", "x w", "y", attributes).Build());
        Check("MaxPool", 11, [1, 2, 8, 9], attributes);
        Check("AveragePool", 11, [1, 2, 8, 9], attributes);
    }

    [Fact]
    public void Batch_and_instance_normalisation()
    {
        ShouldAgree(On(15, 2, 3, 4, 5).RandomWeight("g", 3).Weight("b", [1, 2, 3]).Weight("m", [0, 0.5f, -0.5f]).Weight("v", [1, 0.1f, 2])
            .Node("BatchNormalization", "x g b m v", "y", ("epsilon", 1e-3f), ("momentum", 0.9f)).Build());
        ShouldAgree(On(15, 2, 3, 4, 5).RandomWeight("g", 3).Weight("b", [1, 2, 3])
            .Node("InstanceNormalization", "x g b", "y", ("epsilon", 1e-3f)).Build());
    }

    [Theory]
    [InlineData("x w", "y", 1), InlineData("x w c", "y", 1), InlineData("x w c", "y conv", 3), InlineData("x w c", "y norm", 2)]
    public void A_frozen_convolution_takes_in_the_norm_and_the_relu_that_alone_read_it(string inputs, string outputs, int steps)
    {
        var model = On(15, 1, 2, 8, 9).RandomWeight("w", 3, 2, 3, 3).RandomWeight("c", 3)
            .Weight("g", [1, -2, 0.5f]).Weight("b", [1, 2, 3]).Weight("m", [0, 0.5f, -0.5f]).Weight("v", [1, 0.1f, 2])
            .Node("Conv", inputs, "conv", ("pads", new[] { 1, 1, 1, 1 }))
            .Node("BatchNormalization", "conv g b m v", "norm", ("epsilon", 1e-3f)).Node("Relu", "norm", "y").Build(outputs);

        ShouldAgree(model);

        using var graph = Graph.Load(model, "m.onnx", [1, 2, 8, 9]);
        graph.Freeze(DetectorTypes.Of(DetectorPrecision.Float32), TorchSharp.torch.CPU);
        graph.StepCount.ShouldBe(steps);
    }

    // With as many outputs as a kernel of our own wants.
    [Theory]
    [InlineData("LeakyRelu", 1), InlineData("LeakyRelu, as it is", 1), InlineData("SiLU", 1), InlineData("SiLU", 16)]
    public void A_frozen_convolution_takes_in_the_activation_that_alone_reads_it(string activation, int groups)
    {
        var model = On(15, 1, 16, 8, 9).RandomWeight("w", 16, 16 / groups, 3, 3).RandomWeight("c", 16)
            .Node("Conv", "x w c", "conv", ("pads", new[] { 1, 1, 1, 1 }), ("group", groups));
        model = activation switch
        {
            "LeakyRelu" => model.Node("LeakyRelu", "conv", "y", ("alpha", 0.2f)),
            "SiLU" => model.Node("Sigmoid", "conv", "s").Node("Mul", "conv s", "y"),
            _ => model.Node("LeakyRelu", "conv", "y"),
        };
        using var graph = Graph.Load(model.Build(), "m.onnx", [1, 16, 8, 9]);
        using var scope = TorchSharp.torch.NewDisposeScope();
        var image = TorchSharp.torch.rand(1, 16, 8, 9);
        var before = graph.Run(image)[0];
        graph.Freeze(DetectorTypes.Of(DetectorPrecision.Float32), TorchSharp.torch.CPU);

        graph.StepCount.ShouldBe(1);
        // Products that add up to some 40 in magnitude, by Winograd.
        (graph.Run(image)[0] - before).abs().max().item<float>().ShouldBeLessThan(1e-4f);
    }

    [Theory]
    [InlineData(3, 2, 0), InlineData(3, 2, 1), InlineData(5, 1, 0), InlineData(2, 3, 1)]
    public void Pools(int kernel, int stride, int ceil)
    {
        foreach (var pads in new[] { new[] { 0, 0, 0, 0 }, [1, 1, 1, 1], [0, 1, 1, 0] })
        {
            (string, object)[] window =
                [("kernel_shape", new[] { kernel, kernel }), ("strides", new[] { stride, stride }), ("pads", pads), ("ceil_mode", ceil)];
            Check("MaxPool", 12, [1, 2, 10, 12], window);
            Check("AveragePool", 11, [1, 2, 10, 12], window);
            Check("AveragePool", 19, [1, 2, 10, 12], [.. window, ("count_include_pad", 1)]);
        }
    }

    [Fact]
    public void Pools_with_dilation_or_pads_wider_than_half_a_window()
    {
        Check("MaxPool", 12, [1, 2, 10, 12], ("kernel_shape", new[] { 3, 2 }), ("dilations", new[] { 2, 3 }));
        Check("MaxPool", 12, [1, 2, 10, 12], ("kernel_shape", new[] { 3, 3 }), ("pads", new[] { 2, 2, 2, 2 }));
    }

    [Theory]
    [InlineData("nearest", "half_pixel"), InlineData("nearest", "asymmetric"), InlineData("nearest", "align_corners")]
    [InlineData("nearest", "pytorch_half_pixel"), InlineData("linear", "half_pixel"), InlineData("linear", "asymmetric")]
    [InlineData("linear", "align_corners"), InlineData("linear", "pytorch_half_pixel")]
    public void Resize_by_scales_and_to_sizes(string mode, string coordinates)
    {
        foreach (var nearest in mode == "nearest" ? new[] { "round_prefer_floor", "round_prefer_ceil", "floor", "ceil" } : ["floor"])
        {
            (string, object)[] attributes = [("mode", mode), ("coordinate_transformation_mode", coordinates), ("nearest_mode", nearest)];
            foreach (var scale in new[] { 2f, 1.7f, 0.6f })
                ShouldAgree(On(13, 1, 2, 5, 7).Weight("s", [1, 1, scale, 2]).Node("Resize", "x _ s", "y", attributes).Build());
            ShouldAgree(On(13, 1, 2, 5, 7).Longs("n", 1, 2, 8, 3).Node("Resize", "x _ _ n", "y", attributes).Build());
        }
    }

    [Fact]
    public void Resize_of_opset_11_with_an_empty_region_and_of_opset_10() // as PyTorch exports them
    {
        ShouldAgree(On(11, 1, 2, 5, 7).Weight("r", []).Weight("s", [1, 1, 2, 2])
            .Node("Resize", "x r s", "y", ("mode", "nearest"), ("coordinate_transformation_mode", "asymmetric"), ("nearest_mode", "floor"))
            .Build());
        ShouldAgree(On(10, 1, 2, 5, 7).Weight("s", [1, 1, 2, 3]).Node("Resize", "x s", "y", ("mode", "nearest")).Build());
    }

    [Fact]
    public void Resize_of_whole_numbers() => ShouldAgree(On(13, 1, 2, 5, 7).Weight("s", [1, 1, 2, 2])
        .Node("Cast", "x", "whole", ("to", 6))
        .Node("Resize", "whole _ s", "larger", ("mode", "nearest"), ("coordinate_transformation_mode", "asymmetric"), ("nearest_mode", "floor"))
        .Node("Cast", "larger", "y", ("to", 1)).Build());

    [Theory]
    [InlineData("nearest"), InlineData("linear")]
    public void Upsample_takes_its_scales_from_an_attribute_or_an_input(string mode)
    {
        Check("Upsample", 7, [1, 2, 5, 7], ("mode", mode), ("scales", new[] { 1f, 1f, 2f, 2f }));
        ShouldAgree(On(9, 1, 2, 5, 7).Weight("s", [1, 1, 2, 3]).Node("Upsample", "x s", "y", ("mode", mode)).Build());
    }

    [Theory]
    [InlineData("ReduceMean", 18), InlineData("ReduceSum", 13), InlineData("ReduceMax", 18)]
    public void Reductions_take_their_axes_from_an_attribute_or_an_input(string op, int axesAsInput)
    {
        Check(op, axesAsInput - 1, [2, 3, 4, 5], ("axes", new[] { 1, -1 }), ("keepdims", 0));
        Check(op, axesAsInput - 1, [2, 3, 4, 5]);
        ShouldAgree(On(axesAsInput, 2, 3, 4, 5).Longs("axes", 2, 3).Node(op, "x axes", "y").Build());
        Check(op, axesAsInput, [2, 3, 4, 5], ("noop_with_empty_axes", 1));
    }

    [Fact]
    public void Softmax_of_an_axis()
    {
        Check("Softmax", 12, [2, 3, 4, 5], ("axis", 2));
        Check("Softmax", 13, [2, 3, 4, 5], ("axis", 1));
    }

    [Fact]
    public void Products_of_matrices()
    {
        ShouldAgree(On(13, 2, 3, 4, 5).RandomWeight("w", 3, 5, 6).Node("MatMul", "x w", "y").Build());
        ShouldAgree(On(13, 4, 5).RandomWeight("w", 5).Node("MatMul", "x w", "y").Build());
        ShouldAgree(On(13, 5, 4).RandomWeight("w", 6, 5).RandomWeight("b", 6)
            .Node("Gemm", "x w b", "y", ("transA", 1), ("transB", 1), ("alpha", 0.5f), ("beta", 2f)).Build());
        ShouldAgree(On(13, 4, 5).RandomWeight("w", 5, 6).Node("Gemm", "x w", "y").Build());
    }

    [Fact]
    public void Concat_and_split()
    {
        ShouldAgree(On(13, 2, 3, 4).RandomWeight("w", 2, 5, 4).Node("Concat", "x w x", "y", ("axis", -2)).Build());
        ShouldAgree(On(11, 2, 6).Node("Split", "x", "a b", ("axis", 1), ("split", new[] { 2, 4 })).Build("a b"));
        ShouldAgree(On(11, 2, 6).Node("Split", "x", "a b c", ("axis", -1)).Build("c a b"));
        ShouldAgree(On(13, 2, 6).Longs("s", 1, 5).Node("Split", "x s", "a b", ("axis", 1)).Build("a b"));
        ShouldAgree(On(18, 2, 7).Node("Split", "x", "a b c", ("axis", 1), ("num_outputs", 3)).Build("a b c"));
    }

    [Fact]
    public void Slices()
    {
        Check("Slice", 9, [5, 7], ("starts", new[] { 1, -3 }), ("ends", new[] { 100, -1 }));
        Check("Slice", 9, [5, 7], ("axes", new[] { 1 }), ("starts", new[] { 2 }), ("ends", new[] { 5 }));
        void Inputs(long[] starts, long[] ends, long[] axes, long[] steps) => ShouldAgree(On(13, 5, 7)
            .Longs("s", starts).Longs("e", ends).Longs("a", axes).Longs("t", steps).Node("Slice", "x s e a t", "y").Build());
        Inputs([0, 1], [long.MaxValue, long.MaxValue], [1, 0], [2, 3]);
        Inputs([-2, -1], [long.MinValue, -6], [0, 1], [-1, -2]);
        Inputs([4], [2], [1], [1]); // empty
        ShouldAgree(On(11, 5, 7).Longs("s", 1).Longs("e", 3).Node("Slice", "x s e", "y").Build());
    }

    [Fact]
    public void Changes_of_shape()
    {
        ShouldAgree(On(13, 2, 3, 4).Longs("s", 0, -1).Node("Reshape", "x s", "y").Build());
        ShouldAgree(On(13, 1, 1).Longs("s").Node("Reshape", "x s", "y").Build());
        ShouldAgree(On(14, 2, 3, 4).Longs("s", 4, 6).Node("Reshape", "x s", "y", ("allowzero", 1)).Build());
        Check("Flatten", 13, [2, 3, 4], ("axis", 0));
        Check("Flatten", 13, [2, 3, 4], ("axis", 3));
        Check("Flatten", 13, [2, 3, 4], ("axis", -1));
        Check("Transpose", 13, [2, 3, 4], ("perm", new[] { 1, 2, 0 }));
        ShouldAgree(On(13, 3, 1).Longs("s", 2, 1, 4).Node("Expand", "x s", "y").Build());
        ShouldAgree(On(13, 3, 1).Longs("s", 2, 4).Node("Tile", "x s", "y").Build());
    }

    [Fact]
    public void Squeeze_and_unsqueeze_take_their_axes_from_an_attribute_or_an_input()
    {
        Check("Squeeze", 11, [1, 3, 1, 4], ("axes", new[] { 0, -2 }));
        Check("Squeeze", 13, [1, 3, 1, 4]);
        ShouldAgree(On(13, 1, 3, 1, 4).Longs("a", 2).Node("Squeeze", "x a", "y").Build());
        Check("Unsqueeze", 11, [3, 4], ("axes", new[] { 3, 0 }));
        ShouldAgree(On(13, 3, 4).Longs("a", -1, 0).Node("Unsqueeze", "x a", "y").Build());
    }

    [Fact]
    public void Gather_by_scalars_and_tensors()
    {
        var scalar = OnnxBuilder.Tensor([-1L], "i");
        scalar.Dims.Clear();
        var byScalar = On(13, 3, 4);
        byScalar.Model.Graph.Initializer.Add(scalar);
        ShouldAgree(byScalar.Node("Gather", "x i", "y", ("axis", 1)).Build());
        ShouldAgree(On(13, 3, 4).Longs("i", 2, 0, -2).Node("Gather", "x i", "y").Build());
    }

    [Theory]
    [InlineData("constant"), InlineData("reflect"), InlineData("edge")]
    public void Pads(string mode)
    {
        Check("Pad", 10, [1, 2, 5, 7], ("mode", mode), ("pads", new[] { 0, 0, 1, 2, 0, 0, 3, 1 }));
        ShouldAgree(On(13, 1, 2, 5, 7).Longs("p", 0, 0, 1, 2, 0, 0, 3, 1).Scalar("v", 0.5f)
            .Node("Pad", mode == "constant" ? "x p v" : "x p", "y", ("mode", mode)).Build());
        ShouldAgree(On(18, 1, 2, 5, 7).Longs("p", 2, 1, 0, 3).Longs("a", -1, 2).Node("Pad", "x p _ a", "y", ("mode", mode)).Build());
    }

    // x.view(n, -1) · full(…) + arange(…), the way PyTorch exports it.
    [Fact]
    public void Shapes_are_computed_as_tensors() => ShouldAgree(On(15, 2, 3, 4)
        .Node("Shape", "x", "shape").Longs("zero", 0).Longs("minus", -1).Longs("two", 2)
        .Node("Gather", "shape zero", "n").Node("Concat", "n minus", "to", ("axis", 0)).Node("Reshape", "x to", "flat")
        .Node("Shape", "x", "last", ("start", -1)).Node("Div", "last two", "half").Node("Mul", "half two", "width")
        .Node("Sub", "width half", "pair").Node("ConstantOfShape", "pair", "twos", ("value", OnnxBuilder.Tensor([2f], [1])))
        .Node("ReduceSum", "twos", "four", ("keepdims", 0)).Node("Mul", "flat four", "scaled")
        .Node("Constant", "", "from", ("value_int", 0)).Node("Constant", "", "step", ("value_int", 1))
        .Node("Squeeze", "width", "to_scalar").Node("Range", "from to_scalar step", "range").Node("Cast", "range", "floats", ("to", 1))
        .Node("Constant", "", "more", ("value_floats", new[] { 1f, 2f, 3f, 4f })).Node("Add", "floats more", "sum")
        .Node("Unsqueeze", "sum minus", "column").Node("MatMul", "x column", "z").Build("scaled z"));
}
