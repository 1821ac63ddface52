using System.Runtime.InteropServices;
using GenIsp.Data;
using GenIsp.Detection;
using GenIsp.Detection.OnnxGraph.Proto;
using GenIsp.Training;
using Google.Protobuf;
using static TorchSharp.torch;

namespace GenIsp.Cli.Demo;

/// <summary>Trains <see cref="StreetDetector"/> on streets by day, a new one for every image of every step.</summary>
internal static class StreetDetectorTraining
{
    private const int BatchSize = 2, WarmUpSteps = 200;
    private const double Rate = 1.5e-3, LongestGradient = 5;

    /// <summary>What the detector learns by, and then teaches by.</summary>
    public static DetectionLossOptions Loss { get; } = new() { BoxLoss = BoxLoss.GIoU, BoxWeight = 2 };

    /// <summary>Trains along a cosine of the learning rate, with Adam.</summary>
    /// <param name="seed">The same seed and steps give the same scenes and first weights.</param>
    /// <param name="steps">Of two scenes each.</param>
    /// <param name="report">Is told each step, from 1, and its loss.</param>
    /// <param name="cancellation">Ends the training.</param>
    /// <returns>The ONNX file's content.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static ModelProto Run(long seed, int steps, Action<int, double> report, CancellationToken cancellation)
    {
        var model = StreetDetector.Create(Seeds.Derive(seed, "weights"));
        using var detector = OnnxDetector.From(model, "the street detector");
        var weights = detector.NamedWeights.Where(pair => pair.Key.StartsWith(StreetDetector.Trained, StringComparison.Ordinal))
            .Select(pair => (pair.Key, pair.Value)).ToList();
        foreach (var (_, weight) in weights)
            weight.requires_grad_(true);
        using var adam = new Adam(weights);
        var scenes = Prefetch.InOrder(
            Enumerable.Range(0, steps * BatchSize), i => Sample(Seeds.Derive(seed, "scene", $"{i}")), ahead: 2 * BatchSize);
        foreach (var (step, batch) in scenes.Chunk(BatchSize).Index())
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            foreach (var (_, weight) in weights)
                weight.grad?.zero_();
            var loss = batch.Sum(sample => Accumulate(detector, sample));
            Clip([.. weights.Select(pair => pair.Value.grad).OfType<Tensor>()]);
            var warmth = Math.Min(1, (step + 1.0) / WarmUpSteps);
            adam.Step(Rate * warmth * 0.5 * (1 + Math.Cos(Math.PI * step / steps)), step + 1);
            report(step + 1, loss);
        }
        var trained = weights.ToDictionary();
        foreach (var tensor in model.Graph.Initializer.Where(tensor => trained.ContainsKey(tensor.Name)))
        {
            using var scope = NewDisposeScope();
            var values = trained[tensor.Name].detach().contiguous().data<float>().ToArray();
            tensor.RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes<float>(values));
        }
        return model;
    }

    private static (float[] Pixels, IReadOnlyList<DetectionTarget> Targets) Sample(ulong seed)
    {
        using var scene = StreetScene.Draw(seed);
        return (scene.ToPixels(), [.. scene.Objects.Select(thing => new DetectionTarget(thing.Box, thing.Class))]);
    }

    private static double Accumulate(Detector detector, (float[] Pixels, IReadOnlyList<DetectionTarget> Targets) sample)
    {
        using var scope = NewDisposeScope();
        var image = tensor(sample.Pixels, [3, StreetScene.Height, StreetScene.Width], dtype: ScalarType.Float32);
        var terms = detector.Loss([image], [sample.Targets], Loss);
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
