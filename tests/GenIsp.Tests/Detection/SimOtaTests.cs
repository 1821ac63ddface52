using GenIsp.Detection;
using GenIsp.Geometry;

namespace GenIsp.Tests.Detection;

public sealed class SimOtaTests
{
    private const int Classes = 5;

    [Fact]
    public void Assignments_are_those_of_a_plain_one()
    {
        foreach (var expected in LossReference.Instance.SimOta)
        {
            var (points, predicted, scores, boxes, classes) = Inputs(expected);
            SimOta.Assign(points, predicted, scores, boxes, classes).ShouldBe(expected.Assigned);
            expected.Assigned.Count(box => box >= 0).ShouldBeGreaterThanOrEqualTo(expected.Boxes / 2);
        }
    }

    [Fact]
    public void The_order_of_the_boxes_means_nothing()
    {
        var (points, predicted, scores, boxes, classes) = Inputs(LossReference.Instance.SimOta[^1]);
        var forward = SimOta.Assign(points, predicted, scores, boxes, classes);
        var backward = SimOta.Assign(points, predicted, scores, [.. boxes.Reverse()], [.. classes.Reverse()]);
        backward.Select(box => box < 0 ? box : boxes.Length - 1 - box).ShouldBe(forward);
    }

    [Fact]
    public void Without_boxes_all_is_background()
    {
        var (points, predicted, scores, _, _) = Inputs(LossReference.Instance.SimOta[0]);
        SimOta.Assign(points, predicted, scores, [], []).ShouldAllBe(box => box == SimOta.Background);
    }

    [Fact]
    public void A_box_far_outside_has_no_point_and_takes_none()
    {
        var (points, predicted, scores, boxes, classes) = Inputs(LossReference.Instance.SimOta[^1]);
        var alone = SimOta.Assign(points, predicted, scores, boxes, classes);
        SimOta.Assign(points, predicted, scores, [.. boxes, new Box(900, 900, 950, 950)], [.. classes, 0]).ShouldBe(alone);
    }

    [Fact]
    public void A_box_that_is_predicted_well_at_twelve_points_gets_ten()
    {
        GridPoint[] points = [.. Enumerable.Range(0, 12).Select(i => new GridPoint(i, 10, 8))];
        var box = new Box(-5, 0, 16, 20);
        var scores = Enumerable.Range(0, 12).Select(i => 0.9f - 0.01f * i).ToArray();
        var assigned = SimOta.Assign(points, [.. Enumerable.Repeat(box, 12)], scores, [box], [0]);
        assigned.ShouldBe([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1]);
    }

    [Fact]
    public void What_is_no_number_is_not_assigned()
    {
        var box = new Box(0, 0, 8, 8);
        SimOta.Assign(
            [new GridPoint(4, 4, 8), new GridPoint(5, 4, 8)], [new Box(float.NaN, 0, 1, 1), box], [0.5f, float.NaN], [box], [0])
            .ShouldBe([SimOta.Background, SimOta.Background]);
    }

    private static (GridPoint[] Points, Box[] Predicted, float[] Scores, Box[] Boxes, int[] Classes) Inputs(SimOtaCase reference)
    {
        using var grid = new PointGrid(64, 64, [8, 16, 32], reference.Centre);
        var count = grid.Centres.Length;
        var name = $"simota{reference.Boxes}.{reference.Salt}";
        return (
            grid.Centres,
            LossReference.Boxes(name + ".predicted", count, 50, 50, 4, 40),
            Array.ConvertAll(PseudoWeights.Between(name + ".scores", count * Classes, 0, 1), score => score * score),
            LossReference.Boxes(name + ".boxes", reference.Boxes, 75, 75, 1, 40),
            LossReference.Labels(name + ".classes", reference.Boxes, Classes));
    }
}
