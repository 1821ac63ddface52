using GenIsp.Detection;
using GenIsp.Geometry;

namespace GenIsp.Tests.Detection;

public sealed class AnchorMatcherTests
{
    [Fact]
    public void Matches_are_torchvisions_where_many_IoUs_are_equal()
    {
        foreach (var expected in LossReference.Instance.Matches)
        {
            var boxes = WholeBoxes($"matcher.boxes{expected.Salt}", 6);
            AnchorMatcher.Match(boxes, WholeBoxes($"matcher.anchors{expected.Salt}", 80)).ShouldBe(expected.Matches);
        }
    }

    [Fact]
    public void Without_boxes_all_is_background() =>
        AnchorMatcher.Match([], [new Box(0, 0, 1, 1), new Box(0, 0, 9, 9)]).ShouldBe([AnchorMatcher.Background, AnchorMatcher.Background]);

    [Fact]
    public void An_IoU_of_a_half_is_enough_one_of_two_fifths_no_background_and_the_best_always_counts() =>
        AnchorMatcher.Match([new Box(0, 0, 10, 10)], [new(0, 0, 10, 5), new(0, 0, 10, 4), new(0, 0, 10, 3.9f), new(0, 0, 10, 8)])
            .ShouldBe([0, AnchorMatcher.Between, AnchorMatcher.Background, 0]);

    [Fact]
    public void All_of_a_boxs_equally_best_anchors_stand_for_it_however_little_they_overlap() =>
        AnchorMatcher.Match([new Box(4, 0, 6, 10)], [new(0, 0, 10, 10), new(0, 0, 5, 10), new(5, 0, 10, 10)])
            .ShouldBe([0, AnchorMatcher.Background, AnchorMatcher.Background]);

    [Fact]
    public void A_box_without_any_overlap_takes_no_anchor_from_the_others() =>
        AnchorMatcher.Match([new Box(50, 50, 60, 60), new Box(0, 0, 10, 10)], [new(0, 0, 10, 10), new(20, 20, 30, 30)])
            .ShouldBe([1, AnchorMatcher.Background]);

    private static Box[] WholeBoxes(string name, int count)
    {
        var corners = Array.ConvertAll(PseudoWeights.Between(name + ".corner", 2 * count, 0, 8), MathF.Floor);
        var sizes = Array.ConvertAll(PseudoWeights.Between(name + ".size", 2 * count, 1, 6), MathF.Floor);
        return [.. corners.Chunk(2).Zip(sizes.Chunk(2), (corner, size) => Box.FromXywh(corner[0], corner[1], size[0], size[1]))];
    }
}
