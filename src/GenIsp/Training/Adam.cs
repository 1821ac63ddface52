using TorchSharp;
using static TorchSharp.torch;

namespace GenIsp.Training;

/// <summary>
/// Adam (Kingma and Ba, arXiv 1412.6980, algorithm 1) with PyTorch's defaults: β 0.9 and 0.999, ε 1e-8. TorchSharp's own can't save its
/// moments in a file that others read.
/// </summary>
internal sealed class Adam : IDisposable
{
    private const double Beta1 = 0.9;
    private const double Beta2 = 0.999;
    private const double Epsilon = 1e-8;

    private readonly IReadOnlyList<Slot> _slots;

    /// <param name="parameters">What is trained. They stay the caller's.</param>
    public Adam(IEnumerable<(string Name, Tensor Parameter)> parameters)
    {
        using var outside = NewDisposeScope();
        _slots = [.. parameters.Select(pair => new Slot(
            pair.Name, pair.Parameter, zeros_like(pair.Parameter).DetachFromDisposeScope(),
            zeros_like(pair.Parameter).DetachFromDisposeScope()))];
    }

    /// <summary>The running means of the gradients and of their squares, by name; the optimiser's own.</summary>
    public IEnumerable<(string Name, Tensor Values)> Moments =>
        _slots.SelectMany(slot => new[] { ($"first.{slot.Name}", slot.First), ($"second.{slot.Name}", slot.Second) });

    /// <summary>Moves every parameter that has a gradient.</summary>
    /// <param name="rate">The learning rate.</param>
    /// <param name="number">The step's, from 1 since the beginning or since <see cref="Forget"/>.</param>
    public void Step(double rate, long number)
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        var size = rate / (1 - Math.Pow(Beta1, number));
        var correction = Math.Sqrt(1 - Math.Pow(Beta2, number));
        using var share = (1 - Beta2).ToScalar();
        using var step = (-size).ToScalar();
        foreach (var (_, parameter, first, second) in _slots)
        {
            if (parameter.grad is not { } gradient)
                continue;
            first.TimesInPlace(Beta1).PlusInPlace(gradient, 1 - Beta1);
            second.TimesInPlace(Beta2).addcmul_(gradient, gradient, share);
            parameter.addcdiv_(first, second.sqrt().DividedBy(correction).Plus(Epsilon), step);
        }
    }

    /// <summary>Begins anew with the same parameters.</summary>
    public void Forget()
    {
        using var quiet = no_grad();
        foreach (var (_, moments) in Moments)
            moments.zero_();
    }

    public void Dispose()
    {
        foreach (var slot in _slots)
        {
            slot.First.Dispose();
            slot.Second.Dispose();
        }
    }

    private readonly record struct Slot(string Name, Tensor Parameter, Tensor First, Tensor Second);
}
