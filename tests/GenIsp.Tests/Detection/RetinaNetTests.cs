using System.Text.RegularExpressions;
using GenIsp.Detection;
using GenIsp.Detection.RetinaNet;
using GenIsp.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace GenIsp.Tests.Detection;

public sealed class RetinaNetTests
{
    private const string BatchNormCount = ".num_batches_tracked";

    // After 60 convolutions, whose sums have another order in another version of libtorch or on another processor. Measured: 5e-5 for
    // logits of ±9 and 6e-6 for offsets of ±1.
    private const float LogitTolerance = 3e-4f;
    private const float OffsetTolerance = 4e-5f;

    // Small, so that a forward pass takes milliseconds.
    private static readonly RetinaNetOptions Small = new() { MinSize = 64, MaxSize = 96 };

    public static TheoryData<string> Cases => [.. RetinaNetReference.Instance.Cases.Keys];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Everything_is_torchvisions(string name)
    {
        var reference = RetinaNetReference.Instance.Cases[name];
        var options = new RetinaNetOptions { MinSize = reference.MinSize, MaxSize = reference.MaxSize };
        using var detector = RetinaNet.FromStateDict(RetinaNetReference.WeightsOf(reference), name, options);
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var images = reference.Images.Select((size, i) => PseudoWeights.Image($"image{i}", size[0], size[1])).ToList();

        var batch = detector.Transform(images);
        batch.Sizes.ShouldBe(reference.Sizes.Select(size => (size[0], size[1])));
        // Coordinates of up to 401 pixels are rounded to 3e-5, and a pixel's step is up to 4.5 after normalisation.
        ShouldAgree(batch.Images, reference.Batch, 1.5e-4);

        var output = detector.Forward(batch.Images);
        output.AnchorsPerLevel.ShouldBe(reference.AnchorsPerLevel);
        ShouldAgree(output.ClassLogits, reference.ClassLogits, LogitTolerance);
        ShouldAgree(output.BoxRegression, reference.BoxRegression, OffsetTolerance);

        var found = detector.Detect(images, 0.05f);
        found.Count.ShouldBe(images.Count);
        foreach (var (detections, expected) in found.Zip(reference.Detections))
            ShouldAgree(detections, expected);
    }

    [Fact]
    public void The_gradient_reaches_the_images_and_no_weight()
    {
        using var network = RetinaNet.FromStateDict(RetinaNetReference.WeightsOf(Version(2)), "v2", Small);
        using var scope = NewDisposeScope();
        var image = PseudoWeights.Image("image", 60, 90).requires_grad_();

        var output = network.Forward(network.Transform([image]).Images);
        (output.ClassLogits.mean() + output.BoxRegression.mean()).backward();

        image.grad!.shape.ShouldBe(image.shape);
        image.grad!.isfinite().all().item<bool>().ShouldBeTrue();
        (image.grad! != 0).sum().item<long>().ShouldBeGreaterThan(image.numel() / 2);
        network.Weights.Count().ShouldBeGreaterThan(50);
        network.Weights.ShouldAllBe(weight => !weight.requires_grad && (object?)weight.grad == null);
    }

    [Fact]
    public void Both_layouts_of_the_names_load()
    {
        var weights = RetinaNetReference.WeightsOf(Version(1));
        using var current = RetinaNet.FromStateDict(weights, "current", Small);
        using var legacy = RetinaNet.FromStateDict(WithLegacyNames(weights), "legacy", Small);
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var batch = current.Transform([PseudoWeights.Image("image", 64, 64)]).Images;

        LargestDifference(legacy.Forward(batch), current.Forward(batch)).ShouldBe(0);
    }

    [Fact]
    public void Only_frozen_batch_norms_of_version_1_go_without_an_epsilon()
    {
        var weights = RetinaNetReference.WeightsOf(Version(1));
        using var frozen = RetinaNet.FromStateDict(weights, "frozen", Small);
        using var asked = RetinaNet.FromStateDict(weights, "asked", Small with { BatchNormEpsilon = 1e-5 });
        weights["backbone.body.bn1" + BatchNormCount] = new TensorData(TensorType.Int64, [], new byte[8]);
        using var trained = RetinaNet.FromStateDict(weights, "trained", Small);
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var batch = frozen.Transform([PseudoWeights.Image("image", 64, 64)]).Images;

        LargestDifference(trained.Forward(batch), asked.Forward(batch)).ShouldBe(0);
        LargestDifference(trained.Forward(batch), frozen.Forward(batch)).ShouldBeGreaterThan(0.01f);
    }

    [Fact]
    public void Categories_are_COCOs_or_numbered()
    {
        using var coco = RetinaNet.FromStateDict(RetinaNetReference.WeightsOf(Version(2)), "coco");
        using var other = RetinaNet.FromStateDict(RetinaNetReference.WeightsOf(Version(1)), "other");

        coco.Categories.ShouldBe(CocoCategories.All);
        other.Categories.ShouldBe([new Category(1, "class 1"), new Category(2, "class 2"), new Category(3, "class 3")]);
    }

    [Fact]
    public void Weights_of_another_model_are_refused_by_what_is_wrong_with_them()
    {
        var weights = RetinaNetReference.WeightsOf(Version(1));
        var wrong = new StateDict();
        foreach (var (name, data) in weights.Where(pair => pair.Key != "backbone.body.layer2.0.conv1.weight"))
            wrong[name] = data;
        wrong["backbone.body.fc.weight"] = TensorData.FromSingles([0], 1);
        wrong["backbone.body.conv1.weight"] = TensorData.FromSingles([0], 1);

        var error = Should.Throw<GenIspException>(() => RetinaNet.FromStateDict(wrong, "other.pth"));

        error.Message.ShouldContain("other.pth does not fit retinanet_resnet50_fpn:");
        error.Message.ShouldContain("1 missing: backbone.body.layer2.0.conv1.weight");
        error.Message.ShouldContain("1 unexpected: backbone.body.fc.weight");
        error.Message.ShouldContain("backbone.body.conv1.weight is [1], not [64, 3, 7, 7]");
    }

    [Fact]
    public void What_is_no_RetinaNet_is_refused()
    {
        const string Name = "head.classification_head.cls_logits.weight";

        Should.Throw<GenIspException>(() => RetinaNet.FromStateDict([], "empty.pth")).Message.ShouldContain($"empty.pth does not hold");
        foreach (var shape in new long[][] { [9, 256, 3, 0], [9L << 40, 0, 3, 3], [10, 256, 3, 3], [0, 256, 3, 3], [] })
        {
            var weights = new StateDict
            {
                [Name] = TensorData.FromSingles(new float[shape.Aggregate(1L, (product, side) => product * side)], shape),
            };
            Should.Throw<GenIspException>(() => RetinaNet.FromStateDict(weights, "odd.pth")).Message.ShouldContain(Name);
        }
    }

    [Fact]
    public void Detections_leave_no_tensor_behind_and_a_disposed_detector_none_at_all()
    {
        var weights = RetinaNetReference.WeightsOf(Version(1));
        using var image = PseudoWeights.Image("image", 64, 64);
        var before = Live();
        var detector = RetinaNet.FromStateDict(weights, "v1", Small);
        detector.Detect([image], 0.05f);
        var afterFirst = Live();

        for (var i = 0; i < 3; i++)
            detector.Detect([image, image], 0.05f);
        Live().ShouldBe(afterFirst);

        detector.Dispose();
        Live().ShouldBe(before);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_scope_around_the_loading_does_not_take_the_weights_away(int version)
    {
        RetinaNet detector;
        using (NewDisposeScope())
            detector = RetinaNet.FromStateDict(RetinaNetReference.WeightsOf(Version(version)), "weights", Small);
        using var image = PseudoWeights.Image("image", 64, 64);

        using (detector)
            detector.Detect([image], 0.05f).Count.ShouldBe(1);
    }

    private static RetinaNetCase Version(int version) =>
        RetinaNetReference.Instance.Cases.Values.First(reference => reference.Version == version);

    private static float LargestDifference(RetinaNetOutput a, RetinaNetOutput b) =>
        (a.ClassLogits - b.ClassLogits).abs().max().item<float>();

    private static long Live() => DisposeScopeManager.Statistics.ThreadTotalLiveCount;

    /// <summary>The names that torchvision wrote before its version 0.12.</summary>
    private static StateDict WithLegacyNames(StateDict weights)
    {
        var legacy = new StateDict();
        foreach (var (name, data) in weights)
        {
            var old = Regex.Replace(name, @"(_blocks\.\d)\.0\.", "$1.");
            old = Regex.Replace(old, @"(_head\.conv)\.(\d)\.0\.", match => $"{match.Groups[1]}.{2 * int.Parse(match.Groups[2].Value)}.");
            legacy[old] = data;
        }
        legacy.Keys.ShouldContain("head.regression_head.conv.6.weight");
        legacy.Keys.ShouldContain("backbone.fpn.inner_blocks.2.bias");
        return legacy;
    }

    private static void ShouldAgree(Tensor actual, TensorSamples expected, double tolerance)
    {
        actual.shape.ShouldBe(expected.Shape);
        var values = actual.contiguous().data<float>().ToArray();
        var samples = expected.Samples.Select((_, k) => values[(long)k * values.Length / expected.Samples.Length]);
        var worst = samples.Zip(expected.Samples, (value, sample) => Math.Abs(value - sample)).Max();
        ((double)worst).ShouldBeLessThan(tolerance);
        values.Average(value => (double)value).ShouldBe(expected.Mean, tolerance);
        values.Average(value => Math.Abs((double)value)).ShouldBe(expected.MeanAbs, tolerance);
    }

    private static void ShouldAgree(IReadOnlyList<GenIsp.Detection.Detection> actual, DetectionsCase expected)
    {
        actual.Select(detection => detection.Score).ShouldBeInOrder(SortDirection.Descending);
        // Class by class, as rounding could exchange neighbours.
        var found = actual.OrderBy(detection => detection.Category.Id).ToList();
        var order = Enumerable.Range(0, expected.Labels.Length).OrderBy(i => expected.Labels[i]).ToList();
        found.Select(detection => detection.Category.Id).ShouldBe(order.Select(i => expected.Labels[i]));
        foreach (var (detection, i) in found.Zip(order))
        {
            // The slope of the sigmoid is at most 1/4.
            detection.Score.ShouldBe(expected.Scores[i], LogitTolerance / 4);
            var box = detection.Box;
            // In pixels, written to 3 digits behind the point: an anchor of 400 moves by 400 times the offset's error.
            foreach (var (edge, reference) in new[] { box.X1, box.Y1, box.X2, box.Y2 }.Zip(expected.Boxes[(4 * i)..]))
                edge.ShouldBe(reference, 0.02f);
        }
    }
}
