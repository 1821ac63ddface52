using GenIsp.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace GenIsp.Tests.Weights;

public sealed class StateDictTests
{
    [Fact]
    public void A_module_s_weights_come_back_into_another_one()
    {
        using var first = Module();
        using var second = Module();
        var state = StateDict.From(first);

        state.CopyTo(second, "isp.safetensors");

        StateDict.From(second).Select(pair => pair.Value.ToSingles()).ShouldBe(state.Select(pair => pair.Value.ToSingles()));
        state["conv.weight"].Type.ShouldBe(TensorType.Float32);
        state["norm.num_batches_tracked"].Type.ShouldBe(TensorType.Int64);
    }

    [Fact]
    public void What_is_copied_takes_the_module_s_own_type_and_leaves_its_gradient_alone()
    {
        using var module = Module();
        module.to(ScalarType.Float64);
        var state = StateDict.From(module);
        state["conv.bias"] = new(TensorType.Float16, [4], new byte[] { 0, 0x3c, 0, 0x40, 0, 0x42, 0, 0x44 });

        state.CopyTo(module, "isp.safetensors");

        var bias = module.get_parameter("conv.bias")!;
        bias.dtype.ShouldBe(ScalarType.Float64);
        bias.requires_grad.ShouldBeTrue();
        bias.data<double>().ToArray().ShouldBe([1, 2, 3, 4]);
    }

    [Fact]
    public void Batch_counts_are_copied_and_may_be_missing()
    {
        using var module = Module();
        var state = StateDict.From(module);
        state["norm.num_batches_tracked"] = TensorData.FromInt64s([7]);

        state.CopyTo(module, "isp.safetensors");
        module.get_buffer("norm.num_batches_tracked")!.item<long>().ShouldBe(7);
        Without(state, "norm.num_batches_tracked").CopyTo(module, "isp.safetensors");
        module.get_buffer("norm.num_batches_tracked")!.item<long>().ShouldBe(7);
    }

    [Fact]
    public void Missing_unexpected_and_misshaped_tensors_are_all_named_and_nothing_is_copied()
    {
        using var module = Module();
        var before = StateDict.From(module);
        var state = Without(before, "norm.weight");
        state["conv.weight"] = TensorData.FromSingles(new float[36], 4, 1, 3, 3);
        state["head.bias"] = TensorData.FromSingles([5], 1);
        state["conv.bias"] = TensorData.FromSingles([5], 1);

        var error = Should.Throw<GenIspException>(() => state.CopyTo(module, "isp.safetensors")).Message;

        error.ShouldContain("isp.safetensors does not fit");
        error.ShouldContain("1 missing: norm.weight");
        error.ShouldContain("1 unexpected: head.bias");
        error.ShouldContain("conv.weight is [4, 1, 3, 3], not [4, 2, 3, 3]");
        error.ShouldContain("conv.bias is [1], not [4]");
        StateDict.From(module).Select(pair => pair.Value.ToSingles()).ShouldBe(before.Select(pair => pair.Value.ToSingles()));
    }

    [Fact]
    public void A_long_list_of_problems_is_shortened()
    {
        using var module = Module();
        var state = StateDict.From(module);
        for (var i = 0; i < 20; i++)
            state[$"other{i}"] = TensorData.FromSingles([0], 1);

        Should.Throw<GenIspException>(() => state.CopyTo(module, "x")).Message.ShouldContain("other7 and 12 more");
    }

    private static nn.Module<Tensor, Tensor> Module() =>
        nn.Sequential(("conv", nn.Conv2d(2, 4, 3)), ("norm", nn.BatchNorm2d(4)));

    private static StateDict Without(StateDict state, string name)
    {
        var rest = new StateDict();
        foreach (var (key, tensor) in state.Where(pair => pair.Key != name))
            rest[key] = tensor;
        return rest;
    }
}
