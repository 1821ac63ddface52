using GenIsp.Cli.Demo;
using GenIsp.Data;
using GenIsp.Detection;
using GenIsp.Evaluation;
using GenIsp.Training;
using static TorchSharp.torch;

namespace GenIsp.Tests.Cli.Demo;

public sealed class StreetDetectorTests
{
    [Fact]
    public void The_detector_that_ships_is_small_and_finds_what_streets_hold_by_day()
    {
        var file = new DemoOptions().Detector;
        new FileInfo(file).Length.ShouldBeLessThan(3_000_000);
        using var detector = OnnxDetector.Load(file);

        detector.Categories.ShouldBe(StreetSet.Categories);
        detector.Convention.ShouldBe(DetectorConvention.Yolox);
        var figures = Measure(detector, new StreetSet("", "held-out", 24, Seed: 123));
        figures.AP50.ShouldBeGreaterThan(0.6);
    }

    [Fact]
    public void Training_lowers_the_loss_and_the_same_seed_gives_the_same_file()
    {
        var losses = new List<double>();
        var model = StreetDetectorTraining.Run(seed: 1, steps: 12, (_, loss) => losses.Add(loss), TestContext.Current.CancellationToken);
        var same = StreetDetectorTraining.Run(seed: 1, steps: 12, (_, _) => { }, TestContext.Current.CancellationToken);

        losses.Count.ShouldBe(12);
        losses[^4..].Average().ShouldBeLessThan(losses[..4].Average());
        same.ShouldBe(model);
        using var detector = OnnxDetector.From(model, "trained");
        detector.NamedWeights.Keys.Count(name => name.StartsWith(StreetDetector.Trained)).ShouldBeGreaterThan(30);
        detector.Weights.ShouldAllBe(weight => !weight.requires_grad);
    }

    [Fact]
    public void A_cancelled_training_ends()
    {
        using var source = new CancellationTokenSource();
        Should.Throw<OperationCanceledException>(() => StreetDetectorTraining.Run(1, 100, (step, _) =>
        {
            step.ShouldBeLessThan(3);
            if (step == 2)
                source.Cancel();
        }, source.Token));
    }

    private static CocoMetrics Measure(Detector detector, StreetSet streets)
    {
        var (images, boxes, found) = (new List<CocoImage>(), new List<CocoAnnotation>(), new List<CocoDetection>());
        for (var i = 0; i < streets.Count; i++)
        {
            using var scope = NewDisposeScope();
            using var scene = streets.Draw(i);
            images.Add(new CocoImage($"{i}", null, (StreetScene.Width, StreetScene.Height)));
            foreach (var (@class, box) in scene.Objects)
            {
                var truth = new CocoBox(box.X1, box.Y1, box.Width, box.Height);
                boxes.Add(new CocoAnnotation(boxes.Count + 1, $"{i}", StreetSet.Categories[@class].Id, truth, box.Area));
            }
            var pixels = tensor(scene.ToPixels(), [3, StreetScene.Height, StreetScene.Width], dtype: ScalarType.Float32);
            found.AddRange(detector.Detect([pixels], (float)Validation.LowestScore)[0].Select(one => new CocoDetection(
                $"{i}", one.Category.Id, new CocoBox(one.Box.X1, one.Box.Y1, one.Box.Width, one.Box.Height), one.Score)));
        }
        return CocoEvaluator.Evaluate(new CocoDataset("streets", images, boxes, StreetSet.Categories), found, new CocoEvaluationOptions());
    }
}
