using GenIsp.Detection;
using static TorchSharp.torch;

namespace GenIsp.Tests.Detection;

public sealed class PointDecodingTests
{
    [Theory]
    [InlineData("YOLOX", 5), InlineData("YOLOX", 80), InlineData("NanoDet-Plus", 1), InlineData("NanoDet-Plus", 83)]
    public void It_is_the_plain_one_in_float64_there_and_back(string name, int classes)
    {
        using var scope = NewDisposeScope();
        IOutputConvention convention = name == "YOLOX" ? new YoloxConvention() : new NanoDetConvention();
        using var grid = new PointGrid(96, 64, convention.Strides, convention.PointCentre);
        random.manual_seed(2);
        var raw = randn(grid.Centres.Length, classes + convention.BoxColumns).requires_grad_();
        var precise = raw.detach().@double().requires_grad_();
        var (ofScores, ofBoxes) = (randn(grid.Centres.Length, classes), randn(grid.Centres.Length, 4));

        var (scores, boxes) = PointDecoding.Apply(convention, raw, grid);
        ((scores * ofScores).sum() + (boxes * ofBoxes).sum()).backward();
        var expected = convention.Decode(precise, grid.Points.@double(), grid.Strides.@double());
        ((expected.Scores * ofScores.@double()).sum() + (expected.Boxes * ofBoxes.@double()).sum()).backward();

        ShouldAgree(scores, expected.Scores);
        ShouldAgree(boxes, expected.Boxes);
        ShouldAgree(raw.grad!, precise.grad!);
        using var quiet = no_grad();
        PointDecoding.Apply(convention, raw, grid).Boxes.equal(boxes).all().item<bool>().ShouldBeTrue();
    }

    // A few roundings, of numbers that are as large as the strides.
    private static void ShouldAgree(Tensor found, Tensor expected) =>
        ((found.@double() - expected).abs().max() / expected.abs().max()).item<double>().ShouldBeLessThan(1e-6);
}
