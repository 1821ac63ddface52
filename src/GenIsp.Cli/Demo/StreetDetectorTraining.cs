using System.Runtime.InteropServices;
using GenIsp.Data;
using GenIsp.Detection;
using GenIsp.Detection.OnnxGraph.Proto;
using GenIsp.Training;
using Google.Protobuf;
using static TorchSharp.torch;

namespace GenIsp.Cli.Demo;

/// <summary>
/// Trains <see cref="StreetDetector"/> on streets by day, a new one for every image of every step: eight ninths of the steps as they are
/// drawn, then, from a restart, in other tones.
/// </summary>
internal static class StreetDetectorTraining
{
    private readonly record struct Street(float[] Pixels, IReadOnlyList<DetectionTarget> Targets);

    private const int BatchSize = 2, WarmUpSteps = 200;
    private const double Rate = 1.5e-3, RateInOtherTones = 7.5e-4, LongestGradient = 5;

    /// <summary>What the detector learns by, and then teaches by.</summary>
    public static DetectionLossOptions Loss { get; } = new() { BoxLoss = BoxLoss.GIoU, BoxWeight = 2 };

    /// <summary>Trains with Adam, each part along a cosine of the learning rate (Loshchilov and Hutter's SGDR, arXiv 1608.03983).</summary>
    /// <param name="seed">The same seed and steps give the same scenes and first weights.</param>
    /// <param name="steps">Of two scenes each.</param>
    /// <param name="report">Is told each step, from 1, and its loss.</param>
    /// <param name="cancellation">Ends the training.</param>
    /// <returns>The ONNX file's content.</returns>
    /// <exception cref="GenIspException">A loss is not finite.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static ModelProto Run(long seed, int steps, Action<int, double> report, CancellationToken cancellation)
    {
        var model = StreetDetector.Create(Seeds.Derive(seed, "weights"));
        using var detector = OnnxDetector.From(model, "the street detector");
        var weights = detector.NamedWeights.Where(pair => pair.Key.StartsWith(StreetDetector.Trained, StringComparison.Ordinal))
            .Select(pair => (pair.Key, pair.Value)).ToList();
        foreach (var (_, weight) in weights)
            weight.requires_grad_(true);
        var done = 0;
        void Report(double loss)
        {
            done++;
            if (!double.IsFinite(loss))
                throw new GenIspException($"The loss is {loss} at step {done}. Choose another --seed.");
            report(done, loss);
        }
        var plain = steps * 8 / 9;
        Learn(detector, weights, Samples(seed, 0, plain, _ => StreetJitter.None), plain, Rate, Report, cancellation);
        var toned = steps - plain;
        Learn(detector, weights, Samples(seed, plain, toned, StreetJitter.Draw), toned, RateInOtherTones, Report, cancellation);
        var trained = weights.ToDictionary();
        foreach (var tensor in model.Graph.Initializer.Where(tensor => trained.ContainsKey(tensor.Name)))
        {
            tensor.RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes<float>(trained[tensor.Name].Numbers<float>()));
        }
        return model;
    }

    // Along one cosine, from new means of the gradients.
    private static void Learn(
        OnnxDetector detector, IReadOnlyList<(string Name, Tensor Values)> weights, IEnumerable<Street> streets, int steps, double rate,
        Action<double> report, CancellationToken cancellation)
    {
        using var adam = new Adam(weights);
        foreach (var (step, batch) in streets.Chunk(BatchSize).Index())
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            foreach (var (_, weight) in weights)
                weight.grad?.zero_();
            var loss = batch.Sum(street => Accumulate(detector, street));
            Clip([.. weights.Select(pair => pair.Values.grad).OfType<Tensor>()]);
            var warmth = Math.Min(1, (step + 1.0) / WarmUpSteps);
            adam.Step(rate * warmth * 0.5 * (1 + Math.Cos(Math.PI * step / steps)), step + 1);
            report(loss);
        }
    }

    private static IEnumerable<Street> Samples(long seed, int from, int steps, Func<ulong, StreetJitter> jitter) => Prefetch.InOrder(
        Enumerable.Range(from * BatchSize, steps * BatchSize),
        i => Sample(Seeds.Derive(seed, "scene", $"{i}"), jitter(Seeds.Derive(seed, "jitter", $"{i}"))), ahead: 2 * BatchSize);

    private static Street Sample(ulong seed, StreetJitter jitter)
    {
        using var scene = StreetScene.Draw(seed);
        return new(jitter.Apply(scene.ToPixels()), [.. scene.Objects.Select(thing => new DetectionTarget(thing.Box, thing.Class))]);
    }

    private static double Accumulate(OnnxDetector detector, Street street)
    {
        using var scope = NewDisposeScope();
        var image = tensor(street.Pixels, [3, StreetScene.Height, StreetScene.Width], dtype: ScalarType.Float32);
        var terms = detector.Loss([image], [street.Targets], Loss);
        var share = terms.Classification.Plus(terms.Boxes).DividedBy(BatchSize);
        share.backward();
        return share.Value();
    }

    private static void Clip(Tensor[] gradients)
    {
        var norm = stack(gradients.Select(gradient => gradient.norm())).norm().Value();
        if (!(norm > LongestGradient))
            return;
        foreach (var gradient in gradients)
            gradient.TimesInPlace(LongestGradient / norm);
    }
}
