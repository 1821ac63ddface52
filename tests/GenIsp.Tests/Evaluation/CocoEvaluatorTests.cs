using GenIsp.Data;
using GenIsp.Detection;
using GenIsp.Evaluation;

namespace GenIsp.Tests.Evaluation;

/// <summary>The rules of COCO's protocol, one by one.</summary>
public sealed class CocoEvaluatorTests
{
    // Perfect precision is 1 / (1 + 2⁻⁵²), and means of equal figures are rounded.
    private const double Rounding = 1e-12;

    private static readonly CocoBox Box = new(0, 0, 100, 100);
    private static readonly CocoBox Elsewhere = new(500, 500, 100, 100);

    [Fact]
    public void Finding_everything_and_nothing_else_is_1()
    {
        var metrics = Evaluate([Truth(1, Box), Truth(2, Elsewhere)], [Found(Box, 0.9), Found(Elsewhere, 0.8)]);

        Figures(metrics.AP, metrics.AP50, metrics.AP75, metrics.APLarge).ShouldBe([1, 1, 1, 1], Rounding);
        Figures(metrics.AR1, metrics.AR10, metrics.AR100, metrics.ARLarge).ShouldBe([0.5, 1, 1, 1], Rounding);
        Figures(metrics.Images, metrics.Boxes).ShouldBe([2, 2], Rounding);
    }

    [Fact]
    public void Finding_nothing_is_0()
    {
        var metrics = Evaluate([Truth(1, Box)], []);

        Figures(metrics.AP, metrics.AR100).ShouldBe([0, 0], Rounding);
    }

    [Fact]
    public void Where_there_is_nothing_to_find_there_is_no_figure()
    {
        var metrics = Evaluate([], [Found(Box, 0.9)]);

        Figures(metrics.AP, metrics.AR100, metrics.PerClass["a"]).ShouldBe([-1, -1, -1], Rounding);
        Evaluate([Truth(1, Box)], []).APSmall.ShouldBe(-1);
    }

    [Fact]
    public void Classes_without_boxes_are_left_out_of_the_mean()
    {
        var metrics = Evaluate([Truth(1, Box)], [Found(Box, 0.9), Found(Elsewhere, 0.9, category: 2)]);

        metrics.AP.ShouldBe(1, Rounding);
        Figures(metrics.PerClass["a"], metrics.PerClass["b"]).ShouldBe([1, -1], Rounding);
    }

    [Fact]
    public void Classes_weigh_the_same_whatever_their_number_of_boxes() =>
        Evaluate([Truth(1, Box), Truth(2, Elsewhere), Truth(3, Box, category: 2)], [Found(Box, 0.9, category: 2)]).AP
            .ShouldBe(0.5, Rounding);

    [Theory]
    [InlineData(100, 1.0)]
    [InlineData(93, 0.9)] // IoU 0.93 passes 0.50 … 0.90
    [InlineData(75, 0.6)] // a threshold is reached by what equals it
    [InlineData(50, 0.1)]
    [InlineData(49, 0.0)]
    public void AP_is_the_mean_over_ten_IoU_thresholds(double height, double expected) =>
        Evaluate([Truth(1, Box)], [Found(Box with { Height = height }, 0.9)]).AP.ShouldBe(expected, Rounding);

    [Fact]
    public void Boxes_that_touch_do_not_overlap() =>
        Evaluate([Truth(1, Box)], [Found(Box with { X = 100 }, 0.9)]).AP50.ShouldBe(0, Rounding);

    [Fact]
    public void A_box_is_found_once_and_then_missed_by_the_next()
    {
        // Precision is 1, then 1/2; at full recall the better one counts.
        Evaluate([Truth(1, Box)], [Found(Box, 0.9), Found(Box, 0.8)]).AP.ShouldBe(1, Rounding);
        // The second box is found third: precision 1, 1/2, 2/3. 51 of the 101 recall thresholds are at most 1/2.
        Evaluate([Truth(1, Box), Truth(2, Elsewhere)], [Found(Box, 0.9), Found(Box, 0.8), Found(Elsewhere, 0.7)]).AP
            .ShouldBe((51 + 50 * 2 / 3.0) / 101, Rounding);
    }

    [Fact]
    public void At_a_recall_counts_the_best_precision_there_or_further_on() =>
        // Precision 0, 1/2, 2/3: never less than 2/3 further on.
        Evaluate([Truth(1, Box), Truth(2, Elsewhere)], [Found(new(900, 900, 10, 10), 0.9), Found(Box, 0.8), Found(Elsewhere, 0.7)]).AP
            .ShouldBe(2 / 3.0, Rounding);

    [Fact]
    public void A_recall_that_is_not_reached_has_precision_0() =>
        // 1 of 4 boxes: the thresholds 0.00 … 0.25.
        Evaluate([Truth(1, Box), Truth(2, Elsewhere), Truth(3, Elsewhere), Truth(4, Elsewhere)], [Found(Box, 0.9)]).AP
            .ShouldBe(26 / 101.0, Rounding);

    [Fact]
    public void The_best_score_takes_the_box_though_another_fits_better()
    {
        var loose = Box with { Height = 80 };
        var metrics = Evaluate([Truth(1, Box)], [Found(Box, 0.7), Found(loose, 0.9)]);

        metrics.AP50.ShouldBe(1, Rounding);
        // From 0.85 on the first is wrong and the second right: precision 1/2.
        metrics.AP.ShouldBe((7 + 3 * 0.5) / 10, Rounding);
    }

    [Fact]
    public void A_detection_takes_the_box_that_overlaps_most()
    {
        var shifted = Box with { X = 20 };
        var metrics = Evaluate([Truth(1, Box), Truth(2, shifted)], [Found(shifted, 0.9), Found(Box, 0.8)]);

        metrics.AP.ShouldBe(1, Rounding);
    }

    [Fact]
    public void Of_equal_overlaps_the_last_box_wins()
    {
        // The first detection fits both; what is left for the second decides: the first box at IoU 1, or the other at 0.6.
        var (left, right) = (Box, Box with { X = 50 });
        var between = Box with { X = 25 };
        Evaluate([Truth(1, left), Truth(2, right)], [Found(between, 0.9), Found(left, 0.8)]).AR100
            .ShouldBe((3 * 1 + 7 * 0.5) / 10, Rounding);
        Evaluate([Truth(1, right), Truth(2, left)], [Found(between, 0.9), Found(left, 0.8)]).AR100.ShouldBe(0.5, Rounding);
    }

    [Fact]
    public void Among_equal_scores_the_order_of_images_then_of_the_file_decides()
    {
        // The right one in the first image comes first, though the file has it last.
        Evaluate([Truth(1, Box)], [Found(Box, 0.5, image: "2"), Found(Box, 0.5, image: "1")]).AP.ShouldBe(1, Rounding);
        Evaluate([Truth(1, Box, image: "2")], [Found(Box, 0.5, image: "2"), Found(Box, 0.5, image: "1")]).AP.ShouldBe(0.5, Rounding);
        // Within an image the file's order holds.
        Evaluate([Truth(1, Box)], [Found(Elsewhere, 0.5), Found(Box, 0.5)]).AP.ShouldBe(0.5, Rounding);
    }

    [Fact]
    public void A_crowd_is_neither_right_nor_wrong_however_often_it_is_found()
    {
        var inside = new CocoBox(500, 500, 20, 20);
        var metrics = Evaluate(
            [Truth(1, Box), Truth(2, Elsewhere) with { IsCrowd = true }],
            [Found(inside, 0.9), Found(inside, 0.8), Found(Elsewhere, 0.7), Found(Box, 0.6)]);

        Figures(metrics.AP, metrics.AR100, metrics.Boxes).ShouldBe([1, 1, 1], Rounding);
    }

    [Fact]
    public void A_crowd_is_found_by_what_lies_in_it_not_by_what_encloses_it()
    {
        var crowd = Truth(2, new CocoBox(520, 520, 20, 20)) with { IsCrowd = true };

        Evaluate([Truth(1, Box), crowd], [Found(Elsewhere, 0.9), Found(Box, 0.8)]).AP.ShouldBe(0.5, Rounding);
    }

    [Fact]
    public void A_box_that_counts_comes_before_a_crowd_that_overlaps_more()
    {
        var around = Truth(1, new CocoBox(0, 0, 300, 300)) with { IsCrowd = true };

        Evaluate([around, Truth(2, Box)], [Found(Box with { Height = 80 }, 0.9)]).AP75.ShouldBe(1, Rounding);
    }

    [Fact]
    public void The_files_own_ignore_is_not_looked_at() =>
        Evaluate([Truth(1, Box) with { Ignore = true }], []).AP.ShouldBe(0, Rounding);

    [Fact]
    public void A_hundred_detections_of_a_class_in_an_image_count()
    {
        List<CocoDetection> wrong = [.. Enumerable.Range(0, 99).Select(_ => Found(Elsewhere, 0.9))];

        Evaluate([Truth(1, Box)], [.. wrong, Found(Box, 0.1)]).AR100.ShouldBe(1, Rounding);
        Evaluate([Truth(1, Box)], [.. wrong, Found(Elsewhere, 0.9), Found(Box, 0.1)]).AR100.ShouldBe(0, Rounding);
        // Another class or image has a hundred of its own.
        Evaluate([Truth(1, Box)], [.. wrong, Found(Elsewhere, 0.9, category: 2), Found(Elsewhere, 0.9, image: "2"), Found(Box, 0.1)]).AR100
            .ShouldBe(1, Rounding);
    }

    [Fact]
    public void AR1_and_AR10_look_at_the_best_detections_of_each_image()
    {
        CocoDetection[] found = [Found(Elsewhere, 0.9), Found(Box, 0.5), Found(Box, 0.1, image: "2")];

        var metrics = Evaluate([Truth(1, Box), Truth(2, Box, image: "2")], found);

        Figures(metrics.AR1, metrics.AR10).ShouldBe([0.5, 1], Rounding);
    }

    [Fact]
    public void An_objects_own_area_decides_its_size_and_both_ends_belong_to_it()
    {
        var metrics = Evaluate([Truth(1, Box) with { Area = 32 * 32 }], [Found(Box, 0.9)]);
        Figures(metrics.APSmall, metrics.APMedium, metrics.APLarge).ShouldBe([1, 1, -1], Rounding);

        metrics = Evaluate([Truth(1, Box) with { Area = 96 * 96 }], [Found(Box, 0.9)]);
        Figures(metrics.APSmall, metrics.APMedium, metrics.APLarge).ShouldBe([-1, 1, 1], Rounding);
    }

    [Fact]
    public void What_finds_nothing_is_wrong_only_among_objects_of_its_own_size()
    {
        var metrics = Evaluate([Truth(1, Box), Truth(2, new CocoBox(300, 0, 20, 20))],
            [Found(Elsewhere, 0.9), Found(Box, 0.8), Found(new CocoBox(300, 0, 20, 20), 0.7)]);

        metrics.APSmall.ShouldBe(1, Rounding);
        metrics.APLarge.ShouldBe(0.5, Rounding);
    }

    [Fact]
    public void What_finds_an_object_of_another_size_counts_neither_way() =>
        // A medium detection of a small object.
        Evaluate([Truth(1, new CocoBox(0, 0, 40, 40)) with { Area = 900 }, Truth(2, new CocoBox(300, 0, 40, 40))],
            [Found(new CocoBox(0, 0, 40, 40), 0.9), Found(new CocoBox(300, 0, 40, 40), 0.8)]).APMedium.ShouldBe(1, Rounding);

    [Fact]
    public void Areas_can_be_counted_in_another_frame()
    {
        var metrics = Evaluate([Truth(1, Box)], [Found(Box, 0.9)], new CocoEvaluationOptions { AreaScale = _ => 0.3 });

        Figures(metrics.APSmall, metrics.APMedium, metrics.APLarge).ShouldBe([1, -1, -1], Rounding);
        // An unmatched detection is measured there, too.
        Evaluate([Truth(1, Box)], [Found(Elsewhere, 0.9), Found(Box, 0.8)], new CocoEvaluationOptions { AreaScale = _ => 0.3 }).APSmall
            .ShouldBe(0.5, Rounding);
    }

    [Fact]
    public void Only_the_classes_asked_for_are_measured()
    {
        var metrics = Evaluate(
            [Truth(1, Box), Truth(2, Box, category: 2)], [Found(Box, 0.9)], new CocoEvaluationOptions { Classes = ["a"] });

        Figures(metrics.AP, metrics.Boxes).ShouldBe([1, 1], Rounding);
        metrics.PerClass.Keys.ShouldBe(["a"]);
        Should.Throw<GenIspException>(() => Evaluate([], [], new CocoEvaluationOptions { Classes = ["a", "cat"] })).Message
            .ShouldContain("has no class cat. It has a, b.");
    }

    [Fact]
    public void Boxes_outside_the_subset_are_ignored_when_found_and_when_missed()
    {
        CocoAnnotation[] truths =
        [
            Truth(1, Box) with { IsExtreme = true }, Truth(2, Elsewhere) with { IsExtreme = false },
            Truth(3, new CocoBox(0, 500, 50, 50)) with { IsExtreme = false },
        ];
        var extreme = new CocoEvaluationOptions { Subset = annotation => annotation.IsExtreme == true };

        var metrics = Evaluate(truths, [Found(Elsewhere, 0.9), Found(Box, 0.8)], extreme);
        Figures(metrics.AP, metrics.AR100, metrics.Boxes).ShouldBe([1, 1, 1], Rounding);
        // Finding one of the others a second time is wrong, for it is no crowd.
        Evaluate(truths, [Found(Elsewhere, 0.9), Found(Elsewhere, 0.9), Found(Box, 0.8)], extreme).AP.ShouldBe(0.5, Rounding);
    }

    [Fact]
    public void A_degenerate_box_is_missed_as_in_pycocotools()
    {
        var metrics = Evaluate([Truth(1, Box), Truth(2, new CocoBox(5, 5, 2, 0))], [Found(Box, 0.9), Found(new CocoBox(5, 5, 2, 0), 0.8)]);

        Figures(metrics.Boxes, metrics.AR100).ShouldBe([2, 0.5], Rounding);
    }

    [Fact]
    public void The_id_0_is_found_in_vain_as_in_pycocotools()
    {
        var metrics = Evaluate([Truth(0, Box), Truth(1, Elsewhere)], [Found(Box, 0.9), Found(Elsewhere, 0.8)]);

        Figures(metrics.Boxes, metrics.AR100).ShouldBe([2, 0.5], Rounding);
        metrics.AP.ShouldBe(51 * 0.5 / 101, Rounding);
    }

    [Fact]
    public void Detections_of_unknown_images_and_with_wild_numbers_are_refused()
    {
        Should.Throw<GenIspException>(() => Evaluate([], [Found(Box, 0.5, image: "9")])).Message
            .ShouldContain("the image 9, which test lacks");
        Should.Throw<GenIspException>(() => Evaluate([], [Found(Box, double.NaN)])).Message.ShouldContain("must be finite numbers");
        Should.Throw<GenIspException>(() => Evaluate([], [Found(Box with { X = double.PositiveInfinity }, 1)])).Message
            .ShouldContain("must be finite numbers");
    }

    [Fact]
    public void An_image_can_be_called_by_its_files_stem()
    {
        var dataset = new CocoDataset("test", [new CocoImage("7", "DSC_1.NEF", null)], [Truth(1, Box, image: "7")], [new Category(1, "a")]);

        CocoEvaluator.Evaluate(dataset, [Found(Box, 0.9, image: "DSC_1")]).AP.ShouldBe(1, Rounding);
    }

    [Fact]
    public void The_JSON_has_the_names_that_the_field_uses()
    {
        var json = Evaluate([Truth(1, Box)], [Found(Box, 0.9)]).ToJson();

        json.Select(pair => pair.Key).ShouldBe(
            ["images", "boxes", "AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl", "per_class"]);
        json.ToJsonString().ShouldContain(""" "APs":-1, """.Trim());
    }

    private static double[] Figures(params double[] figures) => figures;

    private static CocoAnnotation Truth(long id, CocoBox box, int category = 1, string image = "1") =>
        new(id, image, category, box, box.Width * box.Height);

    private static CocoDetection Found(CocoBox box, double score, int category = 1, string image = "1") => new(image, category, box, score);

    private static CocoMetrics Evaluate(
        IReadOnlyList<CocoAnnotation> truths, IReadOnlyList<CocoDetection> found, CocoEvaluationOptions? options = null) =>
        CocoEvaluator.Evaluate(
            new CocoDataset(
                "test", [new CocoImage("1", null, null), new CocoImage("2", null, null)], truths,
                [new Category(1, "a"), new Category(2, "b")]),
            found, options);
}
