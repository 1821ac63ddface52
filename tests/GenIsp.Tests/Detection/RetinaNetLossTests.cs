using GenIsp.Detection;
using GenIsp.Detection.RetinaNet;
using TorchSharp;
using static TorchSharp.torch;

namespace GenIsp.Tests.Detection;

public sealed class RetinaNetLossTests : IDisposable
{
    // The reference is float64's. Where rounding turns a ReLU on or off, a gradient in float32 goes another way: PyTorch's, too, is up to
    // 2.5e-3 of the largest element off, and ours, with batch norms folded, 8.5e-3 at one sample of 200, and 3.7e-3 at the others.
    private const double GradientTolerance = 5e-3, ToleranceOfFlipped = 1e-2;

    private const int Height = 128, Width = 160, Classes = 7;

    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void The_losses_of_both_heads_are_torchvisions_with_many_boxes_one_and_none()
    {
        var anchors = Anchors.Create(Height, Width, [(16, 20), (8, 10), (4, 5), (2, 3), (1, 2)]);
        foreach (var expected in LossReference.Instance.Heads)
        {
            var boxes = LossReference.Boxes($"heads{expected.Boxes}", expected.Boxes, 130, 100, 5, 60);
            var labels = LossReference.Labels($"heads{expected.Boxes}.labels", expected.Boxes, Classes);
            (DetectionLossTerms Terms, Tensor Logits, Tensor Regression) Compute(BoxLoss kind, double beta)
            {
                Tensor Values(string name, int columns, float low, float high)
                {
                    var values = PseudoWeights.Between(name, anchors.Length * columns, low, high);
                    return tensor(values, [1, anchors.Length, columns], dtype: ScalarType.Float32).requires_grad_();
                }
                var (logits, regression) = (Values("heads.logits", Classes, -8, 3), Values("heads.regression", 4, -0.6f, 0.6f));
                var options = new DetectionLossOptions { BoxLoss = kind, Beta = beta };
                return (RetinaNetLoss.Compute(logits[0], regression[0], anchors, boxes, labels, options), logits, regression);
            }

            foreach (var (kind, reference) in new[]
                { (BoxLoss.L1, expected.L1), (BoxLoss.GIoU, expected.Giou), (BoxLoss.SmoothL1, expected.SmoothL1OfBeta1) })
            {
                // Sums of 27000 float32.
                var (terms, logits, regression) = Compute(kind, beta: 1);
                LossReference.ShouldAgree(terms.Classification, logits, expected.Classification, 1e-5);
                LossReference.ShouldAgree(terms.Boxes, regression, reference, 1e-5);
                (terms.Positives > 0).ShouldBe(expected.Boxes > 0);
            }
        }
    }

    public static TheoryData<string> Gradients => [.. LossReference.Instance.Gradients.Keys];

    [Theory]
    [MemberData(nameof(Gradients))]
    public void The_gradient_through_the_whole_network_is_PyTorchs(string name)
    {
        var (expected, reference) = (LossReference.Instance.Gradients[name], RetinaNetReference.Instance.Cases[name]);
        var options = new RetinaNetOptions { MinSize = reference.MinSize, MaxSize = reference.MaxSize };
        using var detector = RetinaNet.FromStateDict(RetinaNetReference.WeightsOf(reference), name, options);
        var images = reference.Images.Select((size, i) => PseudoWeights.Image($"image{i}", size[0], size[1]).requires_grad_()).ToList();
        var targets = reference.Images.Select((size, i) => Targets(detector, $"target{i}", size, expected.Labels[i])).ToList();

        var loss = detector.Loss(
            images, targets, new DetectionLossOptions { BoxLoss = reference.Version == 1 ? BoxLoss.L1 : BoxLoss.GIoU });

        loss.Classification.item<float>().ShouldBe((float)expected.Classification, 1e-4f * (float)expected.Classification);
        loss.Boxes.item<float>().ShouldBe((float)expected.Boxes, 1e-4f * (float)expected.Boxes);
        ShouldAgreeFor(loss.Classification, expected.ClassificationGradients);
        ShouldAgreeFor(loss.Boxes, expected.BoxGradients);

        void ShouldAgreeFor(Tensor term, TensorSamples[] gradients)
        {
            var found = autograd.grad([term], images, retain_graph: true);
            foreach (var (gradient, of) in found.Zip(gradients))
                LossReference.ShouldAgree(gradient, of, GradientTolerance, rarely: ToleranceOfFlipped);
        }
    }

    private static List<DetectionTarget> Targets(RetinaNet detector, string name, int[] size, int[] labels) =>
        [.. LossReference.Boxes(name, 3, (float)(size[1] * 0.6), (float)(size[0] * 0.6), 20, 80).Zip(labels, (box, label) =>
            new DetectionTarget(box, detector.Categories.Index().Single(one => one.Item.Id == label).Index))];

}
