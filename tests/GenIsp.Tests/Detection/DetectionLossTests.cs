using GenIsp.Detection;
using TorchSharp;
using static TorchSharp.torch;

namespace GenIsp.Tests.Detection;

public sealed class DetectionLossTests : IDisposable
{
    // Sums of up to 200 values in float32.
    private const double Tolerance = 3e-6;

    private static readonly DetectionLossOptions Default = new();

    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    private static IReadOnlyDictionary<string, ValueWithGradient> Reference => LossReference.Instance.Functions;

    [Theory]
    [InlineData("focal", 0.25, 2), InlineData("focalOther", 0.6, 1.5)]
    public void The_focal_loss_is_torchvisions(string name, double alpha, double gamma)
    {
        var (logits, positive) = FocalCase();
        var loss = DetectionLoss.FocalOfLogits(logits, positive, new DetectionLossOptions { Alpha = alpha, Gamma = gamma });
        LossReference.ShouldAgree(loss, logits, Reference[name], Tolerance);
    }

    [Theory]
    [InlineData("focal", 0.25, 2), InlineData("focalOther", 0.6, 1.5)]
    public void Of_probabilities_it_is_the_same(string name, double alpha, double gamma)
    {
        var (logits, positive) = FocalCase();
        var options = new DetectionLossOptions { Alpha = alpha, Gamma = gamma };
        var loss = DetectionLoss.FocalOfProbabilities(logits.sigmoid(), positive, options);
        // A probability near 1 has few digits left below it: 6e-8 of 6e-6, at logits of 12.
        LossReference.ShouldAgree(loss, logits, Reference[name], 3e-4);
    }

    [Fact]
    public void Smooth_L1_is_PyTorchs()
    {
        var (predicted, target) = Boxes();
        LossReference.ShouldAgree(
            DetectionLoss.OfDistances(predicted / 10, target / 10, Default), predicted, Reference["smoothL1"], Tolerance);
    }

    [Fact]
    public void L1_is_PyTorchs()
    {
        var (predicted, target) = Boxes();
        var options = new DetectionLossOptions { BoxLoss = BoxLoss.L1 };
        LossReference.ShouldAgree(DetectionLoss.OfDistances(predicted / 10, target / 10, options), predicted, Reference["l1"], Tolerance);
    }

    [Fact]
    public void GIoU_is_torchvisions()
    {
        var (predicted, target) = Boxes();
        LossReference.ShouldAgree(DetectionLoss.GIoU(predicted, target), predicted, Reference["giou"], Tolerance);
    }

    [Fact]
    public void Certain_and_right_probabilities_cost_nothing()
    {
        var loss = DetectionLoss.FocalOfProbabilities(
            tensor([1f, 0, 0, 1], dtype: ScalarType.Float32), tensor([true, false, false, true]), Default);
        loss.item<float>().ShouldBe(0, 1e-12f); // taken for logits, it would be .4
    }

    [Fact]
    public void Certain_and_wrong_probabilities_cost_something_finite()
    {
        var probabilities = tensor([0f, 1, 0, 1, 1e-38f], dtype: ScalarType.Float32).requires_grad_();
        var loss = DetectionLoss.FocalOfProbabilities(probabilities, tensor([true, false, false, true, true]), Default);
        loss.backward();
        loss.item<float>().ShouldBeInRange(40, 60);
        probabilities.grad!.isfinite().all().item<bool>().ShouldBeTrue();
    }

    [Theory]
    [InlineData(-5f), InlineData(-15f), InlineData(-30f)]
    public void A_detector_that_sees_nothing_in_the_dark_still_has_a_gradient(float logit)
    {
        // Objectness times class. d/dz of -α ln(σ(z)²) is -2α where σ is nearly 0.
        var z = tensor(logit, dtype: ScalarType.Float32).requires_grad_();
        DetectionLoss.FocalOfProbabilities((z.sigmoid() * z.sigmoid()).view(1), tensor([true]), Default).backward();
        z.grad!.item<float>().ShouldBe(-0.5f, 0.01f);
    }

    [Fact]
    public void Options_out_of_range_are_refused()
    {
        Should.Throw<GenIspException>(() => new DetectionLossOptions { Alpha = 2 }).Message
            .ShouldBe("\"loss.alpha\" is 2, but must be from 0 to 1.");
        Should.Throw<GenIspException>(() => new DetectionLossOptions { Gamma = 0.5 }).Message.ShouldContain("0, or from 1 to 100");
        Should.Throw<GenIspException>(() => new DetectionLossOptions { Beta = 0 }).Message.ShouldContain("\"loss.beta\" is 0");
        Should.Throw<GenIspException>(() => new DetectionLossOptions { BoxWeight = double.NaN })
            .Message.ShouldContain("\"loss.box_weight\" is NaN");
    }

    private static (Tensor Logits, Tensor Positive) FocalCase()
    {
        var logits = tensor(PseudoWeights.Between("focal.logits", 210, -12, 12), [30, 7], dtype: ScalarType.Float32).requires_grad_();
        return (logits, tensor(PseudoWeights.Between("focal.positive", 210, 0, 1), [30, 7], dtype: ScalarType.Float32) < 0.2f);
    }

    private static (Tensor Predicted, Tensor Target) Boxes() => (
        BoxTensor.From(LossReference.Boxes("loss.predicted", 50, 20, 20, 1, 30)).requires_grad_(),
        BoxTensor.From(LossReference.Boxes("loss.target", 50, 20, 20, 1, 30)));
}
