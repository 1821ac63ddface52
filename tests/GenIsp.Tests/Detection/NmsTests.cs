using CsCheck;
using GenIsp.Detection;
using GenIsp.Geometry;

namespace GenIsp.Tests.Detection;

public class NmsTests
{
    private static readonly Box A = new(0, 0, 10, 10), NearA = new(1, 0, 11, 10), Far = new(50, 50, 60, 60);

    [Fact]
    public void The_best_of_overlapping_boxes_is_kept_and_the_order_is_that_of_the_scores() =>
        Nms.Suppress([A, NearA, Far], [0.5f, 0.9f, 0.7f], [0, 0, 0], 0.5f).ShouldBe([1, 2]);

    [Fact]
    public void Another_class_does_not_suppress() => Nms.Suppress([A, NearA], [0.5f, 0.9f], [0, 1], 0.5f).ShouldBe([1, 0]);

    [Fact]
    public void Equal_scores_keep_their_order() => Nms.Suppress([Far, A, NearA], [0.5f, 0.5f, 0.5f], [0, 0, 0], 0.5f).ShouldBe([0, 1]);

    [Fact]
    public void An_overlap_of_exactly_the_threshold_does_not_suppress() =>
        Nms.Suppress([A, new Box(0, 0, 10, 5)], [0.9f, 0.5f], [0, 0], 0.5f).ShouldBe([0, 1]);

    [Fact]
    public void A_suppressed_box_suppresses_nothing() =>
        Nms.Suppress([A, new Box(3, 0, 13, 10), new Box(6, 0, 16, 10)], [0.9f, 0.8f, 0.7f], [0, 0, 0], 0.5f).ShouldBe([0, 2]);

    [Fact]
    public void Boxes_without_area_are_kept() =>
        Nms.Suppress([new Box(1, 1, 1, 1), new Box(1, 1, 1, 1)], [0.9f, 0.8f], [0, 0], 0.5f).ShouldBe([0, 1]);

    [Fact]
    public void Nothing_gives_nothing() => Nms.Suppress([], [], [], 0.5f).ShouldBeEmpty();

    [Fact]
    public void The_result_is_that_of_the_textbook_loop()
    {
        var (corner, side) = (Gen.Int[0, 20], Gen.Int[1, 15]);
        var box = Gen.Select(corner, corner, side, side, (x, y, w, h) => new Box(x, y, x + w, y + h));
        Gen.Select(box, Gen.Int[0, 9], Gen.Int[0, 2]).Array[0, 60].Sample(
            all =>
            {
                Box[] boxes = [.. all.Select(one => one.Item1)];
                float[] scores = [.. all.Select(one => one.Item2 / 10f)];
                int[] classes = [.. all.Select(one => one.Item3)];
                var left = Enumerable.Range(0, all.Length).OrderByDescending(i => scores[i]).ToList();
                var expected = new List<int>();
                while (left.Count > 0)
                {
                    var best = left[0];
                    expected.Add(best);
                    left.RemoveAll(i => i == best || (classes[i] == classes[best] && boxes[i].IoU(boxes[best]) > 0.4f));
                }
                Nms.Suppress(boxes, scores, classes, 0.4f).ShouldBe(expected);
            },
            iter: 200);
    }
}
