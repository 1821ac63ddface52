using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using Adam = GenIsp.Training.Adam;

namespace GenIsp.Tests.Training;

public sealed class AdamTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Moves_weights_as_PyTorchs_own_Adam()
    {
        Parameter[] ours = [New(1, 50), New(2, 3)], theirs = [New(1, 50), New(2, 3)];
        using var adam = new Adam(ours.Select((parameter, i) => ($"{i}", (Tensor)parameter)));
        using var reference = optim.Adam(theirs, lr: 1e-2);

        for (var step = 0; step < 20; step++)
        {
            // As the schedule does it.
            var rate = step < 10 ? 1e-2 : 1e-3;
            foreach (var group in reference.ParamGroups)
                group.LearningRate = rate;
            foreach (var parameters in new[] { ours, theirs })
                SetGradients(parameters, step);
            adam.Step(rate, step + 1);
            reference.step();
        }

        foreach (var (mine, other) in ours.Zip(theirs))
        {
            foreach (var (value, expected) in Values(mine).Zip(Values(other)))
                value.ShouldBe(expected, 1e-7f * Math.Max(1, Math.Abs(expected)));
        }
        Values(ours[0]).ShouldNotBe(Values(New(1, 50)));
    }

    [Fact]
    public void Goes_on_to_the_bit_from_its_moments_and_steps()
    {
        Parameter[] one = [New(1, 9)], other = [New(1, 9)];
        using var whole = new Adam([("w", one[0])]);
        using var first = new Adam([("w", other[0])]);
        for (var step = 0; step < 3; step++)
        {
            SetGradients(one, step);
            whole.Step(1e-2, step + 1);
            SetGradients(other, step);
            first.Step(1e-2, step + 1);
        }
        using var second = new Adam([("w", other[0])]);
        foreach (var ((name, values), (target, copy)) in first.Moments.Zip(second.Moments))
        {
            target.ShouldBe(name);
            copy.copy_(values);
        }

        SetGradients(one, 3);
        whole.Step(1e-2, 4);
        SetGradients(other, 3);
        second.Step(1e-2, 4);

        Values(other[0]).ShouldBe(Values(one[0]));
        first.Moments.Select(moment => moment.Name).ShouldBe(["first.w", "second.w"]);
    }

    [Fact]
    public void Forgets_what_it_knew_of_another_loss()
    {
        Parameter[] old = [New(1, 9)], fresh = [New(1, 9)];
        using var adam = new Adam([("w", old[0])]);
        SetGradients(old, 0);
        adam.Step(0, 1);
        adam.Forget();
        using var other = new Adam([("w", fresh[0])]);

        SetGradients(old, 1);
        adam.Step(1e-2, 1);
        SetGradients(fresh, 1);
        other.Step(1e-2, 1);

        Values(old[0]).ShouldBe(Values(fresh[0]));
    }

    [Fact]
    public void What_has_no_gradient_stays()
    {
        Parameter[] parameters = [New(1, 4), New(2, 4)];
        using var adam = new Adam(parameters.Select((parameter, i) => ($"{i}", (Tensor)parameter)));
        SetGradients(parameters[..1], 0);

        adam.Step(1e-2, 1);

        Values(parameters[0]).ShouldNotBe(Values(New(1, 4)));
        Values(parameters[1]).ShouldBe(Values(New(2, 4)));
    }

    private static Parameter New(long seed, int count) => nn.Parameter(Numbers(seed, count));

    // Of very different sizes, as a network's are.
    private static void SetGradients(Parameter[] parameters, int step)
    {
        foreach (var (i, parameter) in parameters.Index())
        {
            parameter.grad?.zero_();
            var gradient = Numbers(100 * i + step, parameter.numel()) * MathF.Pow(10, step % 5 - 3);
            (parameter * gradient).sum().backward();
        }
    }

    private static Tensor Numbers(long seed, long count)
    {
        random.manual_seed(seed);
        return randn(count, dtype: ScalarType.Float32);
    }

    private static float[] Values(Tensor tensor) => tensor.detach().data<float>().ToArray();
}
