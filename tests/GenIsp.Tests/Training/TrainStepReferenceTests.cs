using System.Text.Json;
using GenIsp.Color;
using GenIsp.Detection;
using GenIsp.Detection.RetinaNet;
using GenIsp.Geometry;
using GenIsp.Tests.Detection;
using GenIsp.Tests.Isp;
using GenIsp.Training;
using static TorchSharp.torch;

namespace GenIsp.Tests.Training;

public sealed class TrainStepReferenceTests
{
    // PyTorch's own gradient in float32 is up to 1.1e-2 of the largest element away from the truth in float64, which the fixture holds:
    // where rounding turns a ReLU of the detector's on or off, it goes another way.
    private const double Tolerance = 2e-2;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    [Fact]
    public void The_losses_and_the_gradient_to_every_weight_are_PyTorchs_and_the_detector_stays_to_the_bit()
    {
        var expected = JsonSerializer.Deserialize<StepReference>(
            File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Fixtures", "train_step.json")), Json)!;
        using var scope = NewDisposeScope();
        using var detector = RetinaNet.FromStateDict(
            RetinaNetReference.WeightsOf(RetinaNetReference.Instance.Cases[expected.Case]), expected.Case,
            new RetinaNetOptions { MinSize = expected.MinSize, MaxSize = expected.MaxSize });
        var frozen = detector.Weights.Select(weight => weight.contiguous().bytes.ToArray()).ToList();
        using var trainer = new Trainer(new TrainingOptions { ColorLossWeight = expected.ColorWeight }, detector);
        FormulaWeights.Fill(trainer.Result);
        float[] bright = PseudoWeights.Image("step", expected.Height, expected.Width).data<float>().ToArray();
        float[] pixels = [.. bright.Select(value => value * 0.2f)];
        var image = new LinearImage(
            "step", pixels, new Frame(expected.Width, expected.Height), CstDirection.Inverse, null, new Vector3(1, 1, 1));
        // Label 0 is no class, so label 1 is the first.
        var targets = LossReference.Boxes("step", 3, 40, 25, 12, 30)
            .Zip(expected.Labels, (box, label) => new DetectionTarget(box, label - 1));

        var losses = trainer.Step([new TrainingSample("step", image, [.. targets], null)], 1e-3);

        losses.Classification.ShouldBe(expected.Classification, 1e-4 * expected.Classification);
        losses.Boxes.ShouldBe(expected.Boxes, 1e-4 * expected.Boxes);
        losses.Color.ShouldBe(expected.Color, 1e-5);
        losses.GradientNorm.ShouldBe(expected.Norm, Tolerance / 2 * expected.Norm);
        trainer.Result.named_parameters().Select(pair => pair.name).Order().ShouldBe(expected.Gradients.Keys.Order());
        foreach (var (name, parameter) in trainer.Result.named_parameters())
        {
            var reference = expected.Gradients[name];
            var gradient = parameter.grad!.flatten().data<float>().ToArray();
            var norm = Math.Sqrt(gradient.Sum(value => (double)value * value));
            // Before an InstanceNorm a bias has no gradient, and rounding is all there is.
            if (reference.Norm < 1e-8 * expected.Norm)
            {
                norm.ShouldBeLessThan(1e-4 * expected.Norm, name);
                continue;
            }
            norm.ShouldBe(reference.Norm, Tolerance * reference.Norm, name);
            for (var k = 0; k < reference.Samples.Length; k++)
            {
                ((double)gradient[(long)k * gradient.Length / reference.Samples.Length]).ShouldBe(
                    reference.Samples[k], Tolerance * reference.Largest, $"{name}, sample {k}");
            }
        }
        detector.Weights.Select(weight => weight.contiguous().bytes.ToArray())
            .Zip(frozen).ShouldAllBe(pair => pair.First.SequenceEqual(pair.Second));
        frozen.Count.ShouldBeGreaterThan(100, "weights and biases");
    }

    private sealed record StepReference(
        string Case, int MinSize, int MaxSize, int Height, int Width, double ColorWeight, int[] Labels, double Classification, double Boxes,
        double Color, double Norm, Dictionary<string, GradientReference> Gradients);

    private sealed record GradientReference(double Norm, double Largest, double[] Samples);
}
