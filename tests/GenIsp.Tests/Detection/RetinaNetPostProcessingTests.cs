using GenIsp.Detection;
using GenIsp.Detection.RetinaNet;
using GenIsp.Geometry;
using static TorchSharp.torch;

namespace GenIsp.Tests.Detection;

public sealed class RetinaNetPostProcessingTests
{
    private static readonly PostProcessingCase Reference = RetinaNetReference.Instance.PostProcessing;

    [Fact]
    public void Detections_in_given_outputs_are_torchvisions()
    {
        using var scope = NewDisposeScope();

        var found = RetinaNetPostProcessing.Detect(
            Output(), 0, (Reference.Size[0], Reference.Size[1]), 0.05f, new RetinaNetOptions());

        found.Count.ShouldBe(300);
        found.Select(candidate => candidate.Label).ShouldBe(Reference.Labels);
        for (var i = 0; i < found.Count; i++)
        {
            // The reference is written to 7 and 4 digits behind the point.
            found[i].Score.ShouldBe(Reference.Scores[i], 2e-7f);
            var box = found[i].Box;
            foreach (var (edge, expected) in new[] { box.X1, box.Y1, box.X2, box.Y2 }.Zip(Reference.Boxes[(4 * i)..]))
                edge.ShouldBe(expected, 1e-4f);
        }
    }

    [Fact]
    public void A_higher_threshold_leaves_the_best()
    {
        using var scope = NewDisposeScope();
        var size = (Reference.Size[0], Reference.Size[1]);
        var output = Output();

        var all = RetinaNetPostProcessing.Detect(output, 0, size, 0.05f, new RetinaNetOptions());
        var best = RetinaNetPostProcessing.Detect(output, 0, size, 0.72f, new RetinaNetOptions());

        best.Count.ShouldBeInRange(1, 299);
        best.ShouldBe(all.TakeWhile(candidate => candidate.Score > 0.72f));
        RetinaNetPostProcessing.Detect(output, 0, size, 1, new RetinaNetOptions()).ShouldBeEmpty();
    }

    [Fact]
    public void A_box_goes_back_to_the_frame_of_the_original_image()
    {
        var box = RetinaNetPostProcessing.ToOriginal(new Box(10, 20, 100, 200), size: (200, 100), originalSize: (400, 300));

        box.ShouldBe(new Box(30, 40, 300, 400));
    }

    private static RetinaNetOutput Output()
    {
        var anchors = Anchors.Create(Reference.Height, Reference.Width, [.. Reference.Grids.Select(grid => (grid[0], grid[1]))]);
        var count = anchors.Length;
        var logits = PseudoWeights.Between($"logits{Reference.Salt}", count * Reference.Classes, -9, 1);
        var offsets = PseudoWeights.Between("regression", count * 4, -1, 1);
        // Beyond the bound of the scale.
        for (var anchor = 0; anchor < count; anchor += 50)
            offsets[4 * anchor + 2] = offsets[4 * anchor + 3] = 5;
        return new RetinaNetOutput(
            tensor(logits, [1, count, Reference.Classes], dtype: ScalarType.Float32),
            tensor(offsets, [1, count, 4], dtype: ScalarType.Float32),
            anchors,
            [.. Reference.Grids.Select(grid => grid[0] * grid[1] * Anchors.PerCell)]);
    }
}
