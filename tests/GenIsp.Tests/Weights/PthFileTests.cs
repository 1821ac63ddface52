using GenIsp.Weights;
using static GenIsp.Tests.Weights.WeightsFixture;

namespace GenIsp.Tests.Weights;

/// <summary>Real checkpoints, from tests/reference/weights.py, and the published ones beside the project.</summary>
public sealed class PthFileTests
{
    public static TheoryData<string> Kinds => ["zip", "legacy"];

    [Theory, MemberData(nameof(Kinds))]
    public void A_state_dict_keeps_its_names_their_order_shapes_and_values(string kind)
    {
        var state = PthFile.Read(WeightsFixture.File($"plain.{kind}.pth"));

        state.Keys.ShouldBe(["conv.weight", "conv.bias"]);
        state["conv.weight"].ShouldBe(TensorType.Float32, [4, 3, 3, 3], Formula(108));
        state["conv.bias"].ShouldBe(TensorType.Float32, [4], Formula(4));
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Every_element_type_is_read(string kind)
    {
        var state = PthFile.Read(WeightsFixture.File($"types.{kind}.pth"));

        state.Select(pair => pair.Value.Type.ToString().ToLowerInvariant()).ShouldBe(state.Keys);
        state.Count.ShouldBe(10);
        foreach (var (name, tensor) in state)
        {
            tensor.ShouldBe(tensor.Type, [2, 5], name switch
            {
                "bool" => [1, 0, 0, 1, 0, 0, 1, 0, 0, 1],
                "uint8" => Enumerable.Range(0, 10).Select(i => (float)i),
                _ when name.Contains("float", StringComparison.Ordinal) => Formula(10),
                _ => Enumerable.Range(-3, 10).Select(i => (float)i),
            });
        }
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Scalars_empty_tensors_and_dimensions_of_one_are_read(string kind)
    {
        var state = PthFile.Read(WeightsFixture.File($"shapes.{kind}.pth"));

        state["scalar"].ShouldBe(TensorType.Float32, [], [-3]);
        state["empty"].ShouldBe(TensorType.Float32, [3, 0, 2], []);
        state["one"].ShouldBe(TensorType.Float32, [1], [-3]);
        state["five"].ShouldBe(TensorType.Float32, [1, 2, 1, 3, 2], Formula(12));
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Views_of_a_shared_storage_come_out_in_the_order_of_their_elements(string kind)
    {
        var state = PthFile.Read(WeightsFixture.File($"views.{kind}.pth"));
        static IEnumerable<float> At(int rows, int columns, Func<int, int, int> index) =>
            from row in Enumerable.Range(0, rows) from column in Enumerable.Range(0, columns) select index(row, column) / 2f - 3;

        state["base"].ShouldBe(TensorType.Float32, [6, 8], Formula(48));
        state["transposed"].ShouldBe(TensorType.Float32, [8, 6], At(8, 6, (row, column) => 8 * column + row));
        state["columns"].ShouldBe(TensorType.Float32, [6, 3], At(6, 3, (row, column) => 8 * row + 2 + 2 * column));
        state["rows"].ShouldBe(TensorType.Float32, [2, 8], Formula(48)[16..32]);
        state["channels_last"].ShouldBe(TensorType.Float32, [2, 3, 4, 5], Formula(120));
        state["expanded"].ShouldBe(TensorType.Float32, [4], [-3, -3, -3, -3]);
        var turned = At(6, 4, (row, column) => 6 * column + row).ToList();
        state["bytes"].ShouldBe(TensorType.UInt8, [6, 4], turned.Select(value => 2 * (value + 3)));
        state["doubles"].ShouldBe(TensorType.Float64, [6, 4], turned);
        state["halves"].ShouldBe(TensorType.Float16, [6, 4], turned);
    }

    [Theory]
    [InlineData("module.zip.pth")]
    [InlineData("module.legacy.pth")]
    [InlineData("data_parallel.zip.pth")]
    [InlineData("data_parallel.legacy.pth")]
    [InlineData("training.zip.pth")]
    [InlineData("training.legacy.pth")]
    public void The_weights_of_a_module_are_found_behind_DataParallel_and_beside_what_training_keeps(string name)
    {
        var state = PthFile.Read(WeightsFixture.File(name));

        state.Keys.ShouldBe(["0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked"]);
        state["0.weight"].ShouldBe(TensorType.Float32, [3, 2, 1, 1], Formula(6));
        state["1.running_var"].ShouldBe(TensorType.Float32, [3], Formula(3));
        state["1.num_batches_tracked"].ShouldBe(TensorType.Int64, [], [-3]);
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Parameters_are_read_like_tensors(string kind) =>
        PthFile.Read(WeightsFixture.File($"parameters.{kind}.pth"))["0.weight"].ShouldBe(TensorType.Float32, [3, 2, 1, 1], Formula(6));

    [Theory]
    [InlineData("state_dict.zip.pth")]
    [InlineData("state_dict.legacy.pth")]
    [InlineData("model_state_dict.zip.pth")]
    [InlineData("model_state_dict.legacy.pth")]
    [InlineData("nested.zip.pth")]
    [InlineData("nested.legacy.pth")]
    [InlineData("protocol4.zip.pth")]
    [InlineData("protocol4.legacy.pth")]
    public void Usual_wrappers_and_newer_pickles_are_read_like_a_plain_state_dict(string name)
    {
        var state = PthFile.Read(WeightsFixture.File(name));

        state.Keys.ShouldBe(["conv.weight", "conv.bias"]);
        state["conv.weight"].ShouldBe(TensorType.Float32, [4, 3, 3, 3], Formula(108));
    }

    [Theory]
    [InlineData("evil.zip.pth")]
    [InlineData("evil.legacy.pth")]
    [InlineData("evil_beside.zip.pth")]
    [InlineData("evil_beside.legacy.pth")]
    public void A_file_that_wants_to_run_something_is_refused_by_that_name_and_runs_nothing(string name)
    {
        var error = Should.Throw<GenIspException>(() => PthFile.Read(WeightsFixture.File(name))).Message;

        error.ShouldContain(name);
        error.ShouldContain("posix.system");
        error.ShouldContain("Nothing in it was run");
        System.IO.File.Exists("genisp-was-here").ShouldBeFalse();
    }

    [Theory]
    [InlineData("whole_model.zip.pth", "torch.nn.modules.linear.Linear")]
    [InlineData("scripted.zip.pth", "TorchScript")]
    [InlineData("no_tensors.zip.pth", "\"epoch\" in it is an integer")]
    [InlineData("no_tensors.legacy.pth", "\"epoch\" in it is an integer")]
    [InlineData("tensor.zip.pth", "it is a tensor")]
    [InlineData("tensor.legacy.pth", "it is a tensor")]
    public void What_holds_no_state_dict_is_refused_with_what_it_is(string name, string what)
    {
        var error = Should.Throw<GenIspException>(() => PthFile.Read(WeightsFixture.File(name))).Message;

        error.ShouldContain(name);
        error.ShouldContain(what);
        error.ShouldContain("model.state_dict()");
    }

    [Theory]
    [InlineData("convwb", 3)]
    [InlineData("convcc", 9)]
    public void The_published_ImageToParameters_weights_have_the_shapes_of_the_paper(string name, int parameters)
    {
        var state = PthFile.Read(SharedData.Path($"weights/genisp-jptolen/{name}_model.pth"));

        ShapesOf(state).ShouldBe(
        [
            "conv1.weight 16,3,7,7", "conv1.bias 16", "conv2.weight 32,16,5,5", "conv2.bias 32",
            "conv3.weight 128,32,3,3", "conv3.bias 128",
            $"mlp.0.weight {parameters},128", $"mlp.0.bias {parameters}",
        ]);
    }

    [Fact]
    public void The_published_ShallowConvNet_weights_have_the_shapes_of_the_paper()
    {
        var state = PthFile.Read(SharedData.Path("weights/genisp-jptolen/shallowconv_model.pth"));

        ShapesOf(state).ShouldBe(
            ["conv1.weight 16,3,3,3", "conv1.bias 16", "conv2.weight 64,16,3,3", "conv2.bias 64", "conv3.weight 3,64,1,1", "conv3.bias 3"]);
    }

    // Barely trained float64 weights: finite, and of the framework's initial size.
    private static List<string> ShapesOf(StateDict state)
    {
        foreach (var (name, tensor) in state)
        {
            tensor.Type.ShouldBe(TensorType.Float64, name);
            tensor.ToSingles().ShouldAllBe(value => Math.Abs(value) < 2 && value != 0);
        }
        return [.. state.Select(pair => $"{pair.Key} {string.Join(",", pair.Value.Shape)}")];
    }
}
