using System.Runtime.InteropServices;
using GenIsp.Detection;
using GenIsp.Distributed;
using GenIsp.Isp;
using GenIsp.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace GenIsp.Training;

/// <summary>The losses of one step, each a mean over its images.</summary>
/// <param name="Imitation">The distance from the classical ISP's picture; 0 once the detector teaches, as the others are before.</param>
/// <param name="Classification">The focal loss.</param>
/// <param name="Boxes">The box loss with its weight.</param>
/// <param name="Color">The gray-world term with its weight.</param>
/// <param name="GradientNorm">The gradient's length before it is clipped.</param>
internal readonly record struct StepLosses(double Imitation, double Classification, double Boxes, double Color, double GradientNorm)
{
    /// <summary>What is minimised.</summary>
    public double Total => Imitation + Classification + Boxes + Color;
}

/// <summary>
/// One step after another: the ISP develops, the frozen detector judges, the gradient flows back through the detector into the ISP, and
/// Adam moves the ISP's weights (GenISP, section 3.3).
/// </summary>
internal sealed class Trainer : IDisposable
{
    private readonly TrainingOptions _options;
    private readonly Detector _detector;
    private readonly GenIspModel _model;
    private readonly GenIspModel? _average;
    private readonly Adam _adam;
    private readonly Communicator _world;

    /// <param name="options">The recipe.</param>
    /// <param name="detector">It stays the caller's.</param>
    /// <param name="world">The processes that share each batch; null trains alone.</param>
    /// <param name="device">Where the ISP computes: on the processor if null.</param>
    public Trainer(TrainingOptions options, Detector detector, Communicator? world = null, Device? device = null)
    {
        (_options, _detector, _world) = (options, detector, world ?? Communicator.Alone);
        random.manual_seed(options.Seed);
        _model = new GenIspModel(options.Network, options.Initialization).to(device ?? CPU);
        _adam = new Adam(_model.named_parameters().Select(pair => (pair.name, (Tensor)pair.parameter)));
        if (options.AveragingDecay > 0)
        {
            _average = new GenIspModel(options.Network).to(device ?? CPU);
            StateDict.From(_model).CopyTo(_average, "the average");
        }
    }

    /// <summary>Steps made so far.</summary>
    public long Steps { get; private set; }

    /// <summary>What is measured and saved: the average of the weights, where one is kept.</summary>
    public GenIspModel Result => _average ?? _model;

    /// <summary>Where the time goes.</summary>
    public StepClock Clock { get; } = new();

    /// <summary>
    /// One step. Each image goes forward and back alone, with its share of the batch's mean, for images differ in size and what is kept for
    /// the way back is large; the gradient is that of the whole batch, whichever process has which image.
    /// </summary>
    /// <param name="batch">The same one in all processes, each with its own share of the images.</param>
    /// <param name="rate">The learning rate.</param>
    /// <exception cref="GenIspException">A loss or the gradient is not finite; the weights are as before.</exception>
    public StepLosses Step(TrainingBatch batch, double rate)
    {
        using var scope = NewDisposeScope();
        foreach (var parameter in _model.parameters())
            parameter.grad?.zero_();
        var losses = batch.Share.Aggregate(default(Terms), (sum, sample) => sum + Accumulate(sample, batch.Count));
        if (_world.Size > 1)
            losses = Exchange(losses, batch);
        var norm = Clock.Measure("update", () => Clip(batch));
        Clock.Measure("update", () =>
        {
            // Another loss has gradients of another size: the means of the old would make the first steps many times too long.
            if (Steps == _options.ImitationSteps)
                _adam.Forget();
            _adam.Step(rate, LearningRate.StepOfPhase(_options, Steps) + 1);
            Steps++;
            Average();
        });
        return new StepLosses(
            losses.Imitation / batch.Count, losses.Classification / batch.Count, losses.Boxes / batch.Count, losses.Color / batch.Count,
            norm);
    }

    /// <summary>Goes on with the first process's weights and state, after that many steps.</summary>
    public void Synchronize(long steps)
    {
        Steps = steps;
        if (_world.Size == 1)
            return;
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        Through(_world.Broadcast, [.. Tensors().Select(pair => pair.Values)]);
    }

    /// <summary>The weights, their average and the optimiser's state, by name.</summary>
    public StateDict Save()
    {
        var state = new StateDict();
        foreach (var (name, tensor) in Tensors())
            state[name] = TensorData.FromSingles(tensor.Numbers<float>(), tensor.shape);
        return state;
    }

    /// <summary>Goes back to a saved state.</summary>
    /// <exception cref="GenIspException">It is of another network.</exception>
    public void Restore(StateDict state, long steps, string source)
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        var targets = Tensors().ToDictionary(pair => pair.Name, pair => pair.Values);
        var wrong = targets.Where(pair => !state.TryGetValue(pair.Key, out var saved) || !saved.Shape.SequenceEqual(pair.Value.shape))
            .Select(pair => pair.Key).Concat(state.Keys.Except(targets.Keys)).ToList();
        if (wrong.Count > 0)
        {
            throw new GenIspException(
                $"{source} is a checkpoint of another network: {wrong.Count} tensors are missing, unexpected or of another shape, such as "
                + $"{string.Join(", ", wrong.Take(3))}.");
        }
        foreach (var (name, tensor) in targets)
            tensor.copy_(state[name].ToTorch());
        Steps = steps;
    }

    public void Dispose()
    {
        _adam.Dispose();
        _average?.Dispose();
        _model.Dispose();
    }

    private IEnumerable<(string Name, Tensor Values)> Tensors() =>
    [
        .. _model.named_parameters().Select(pair => ($"model.{pair.name}", (Tensor)pair.parameter)),
        .. (_average?.named_parameters() ?? []).Select(pair => ($"average.{pair.name}", (Tensor)pair.parameter)),
        .. _adam.Moments.Select(pair => ($"adam.{pair.Name}", pair.Values)),
    ];

    // The sums over all processes of the gradients and of the losses.
    private Terms Exchange(Terms losses, TrainingBatch batch)
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        // Of the sum, nobody could tell whose images spoilt it.
        if (batch.Share.Count > 0)
            GradientNorm(batch);
        var sums = tensor(
            [(float)losses.Imitation, (float)losses.Classification, (float)losses.Boxes, (float)losses.Color], device: _model.Device);
        Clock.Measure("exchange", () => Through(
            _world.Sum, [.. _model.parameters().Select(parameter => parameter.grad ??= zeros_like(parameter)), sums]));
        var all = sums.Numbers<float>();
        return new Terms(all[0], all[1], all[2], all[3]);
    }

    // Tensors' numbers, in one piece, to other processes and back.
    private static void Through(Exchanger exchange, Tensor[] tensors)
    {
        var all = cat([.. tensors.Select(part => part.flatten())]).cpu();
        exchange(MemoryMarshal.Cast<byte, float>(all.bytes));
        foreach (var (target, part) in tensors.Zip(all.split([.. tensors.Select(part => part.numel())])))
            target.copy_(part.view(target.shape));
    }

    private Terms Accumulate(TrainingSample sample, int count)
    {
        using var scope = NewDisposeScope();
        var picture = Clock.Measure("ISP", () => _model.forward(_model.ToTensor(sample.Image)));
        if (Steps < _options.ImitationSteps)
        {
            var guide = tensor(sample.Guide!, picture.shape, dtype: ScalarType.Float32, device: picture.device);
            var difference = (picture - guide).abs().mean();
            // A card is waited for here, and below.
            var imitation = Clock.Measure("ISP", difference.Value);
            GoBack(difference, count);
            return new Terms(imitation, 0, 0, 0);
        }
        var terms = Clock.Measure("detector", () => _detector.Loss([picture[0]], [sample.Targets], _options.Loss));
        var color = ColorLoss(picture).Times(_options.ColorLossWeight);
        var losses = Clock.Measure("detector", () => new Terms(0, terms.Classification.Value(), terms.Boxes.Value(), color.Value()));
        if (!double.IsFinite(losses.Classification + losses.Boxes + losses.Color))
        {
            throw new GenIspException(
                $"The loss of {sample.Name} is not finite (classification {losses.Classification}, boxes {losses.Boxes}, "
                + $"colour {losses.Color}) at step {Steps}. The last checkpoint is kept. Lower the learning rate, clip the gradient, or look "
                + "at this image.");
        }
        GoBack(terms.Classification.Plus(terms.Boxes).Plus(color), count);
        if (picture.device_type != DeviceType.CPU)
        {
            // For a card libtorch goes back in a thread of its own, where no dispose scope is open: the gradients that frozen convolutions
            // got and gave there are left to the garbage collector, which does not know how large they are.
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        return losses;
    }

    private void GoBack(Tensor loss, int count) => Clock.Measure("back", () => loss.DividedBy(count).backward());

    // Of the picture's channel means, which are equal in a gray world (Buchsbaum 1980).
    private static Tensor ColorLoss(Tensor picture)
    {
        var mean = picture.mean([0, 2, 3]);
        return (mean - mean.roll(1)).abs().sum();
    }

    private double Clip(TrainingBatch batch)
    {
        using var scope = NewDisposeScope();
        var norm = GradientNorm(batch);
        if (_options.ClipNorm > 0 && norm > _options.ClipNorm)
        {
            foreach (var gradient in Gradients())
                gradient.TimesInPlace(_options.ClipNorm / norm);
        }
        return norm;
    }

    private double GradientNorm(TrainingBatch batch)
    {
        var norm = stack(Gradients().Select(gradient => gradient.norm())).norm().Value();
        return float.IsFinite(norm)
            ? norm
            : throw new GenIspException(
                $"The gradient of {string.Join(", ", batch.Share.Select(sample => sample.Name))} is not finite at step {Steps}. "
                + "The last checkpoint is kept. Lower the learning rate, clip the gradient, or look at these images.");
    }

    private IEnumerable<Tensor> Gradients() => _model.parameters().Select(parameter => parameter.grad).OfType<Tensor>();

    private void Average()
    {
        if (_average is null)
            return;
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        // The first steps are far from the end: a young average forgets faster.
        var decay = Math.Min(_options.AveragingDecay, (1.0 + Steps) / (10 + Steps));
        foreach (var (average, current) in _average.parameters().Zip(_model.parameters()))
            average.TimesInPlace(decay).PlusInPlace(current, 1 - decay);
    }

    private delegate void Exchanger(Span<float> values);

    // Sums over images.
    private readonly record struct Terms(double Imitation, double Classification, double Boxes, double Color)
    {
        public static Terms operator +(Terms a, Terms b) =>
            new(a.Imitation + b.Imitation, a.Classification + b.Classification, a.Boxes + b.Boxes, a.Color + b.Color);
    }
}
