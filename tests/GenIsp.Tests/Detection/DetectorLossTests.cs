using System.Text.Json;
using GenIsp.Detection;
using GenIsp.Detection.RetinaNet;
using GenIsp.Geometry;
using Google.Protobuf;
using TorchSharp;
using static TorchSharp.torch;

namespace GenIsp.Tests.Detection;

/// <summary>The loss of whole detectors, and the mistakes that others made with it.</summary>
public sealed class DetectorLossTests : IDisposable
{
    private const string Yolox = "weights/yolox_nano.onnx", NanoDet = "weights/nanodet_plus_m_416.onnx";

    // Two boxes far from each other, the second bottom right. Of detectors with at least three classes.
    private static readonly DetectionTarget TopLeft = new(new Box(5, 10, 40, 30), 2), BottomRight = new(new Box(200, 180, 250, 240), 0);

    private static readonly DetectionLossOptions Default = new();

    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly string _path = Path.GetTempFileName();

    public void Dispose()
    {
        _scope.Dispose();
        File.Delete(_path);
    }

    // "onnx" sees of each point its own cell of the image and no more.
    private Detector Load(string kind, int retinaNetSize = 128)
    {
        if (kind == "onnx")
        {
            File.WriteAllBytes(_path, OnnxDetectorTests.Tiny(5 + 3, [8, 16, 32], size: 256).Build().ToByteArray());
            return OnnxDetector.Load(_path);
        }
        if (kind != "RetinaNet")
            return OnnxDetector.Load(SharedData.Path(kind));
        var reference = RetinaNetReference.Instance.Cases.Values.First(reference => reference.Version == 1);
        return RetinaNet.FromStateDict(
            RetinaNetReference.WeightsOf(reference), kind, new RetinaNetOptions { MinSize = retinaNetSize, MaxSize = retinaNetSize });
    }

    private static IEnumerable<Tensor> WeightsOf(Detector detector) =>
        detector is RetinaNet net ? net.Weights : ((OnnxDetector)detector).Weights;

    private static Tensor Image(string name) => PseudoWeights.Image(name, 256, 256);

    private static (float Classification, float Boxes, int Positives) Values(DetectionLossTerms loss) =>
        (loss.Classification.item<float>(), loss.Boxes.item<float>(), loss.Positives);

    [Theory]
    [InlineData("onnx"), InlineData("RetinaNet")]
    public void The_order_of_the_targets_means_nothing(string kind)
    {
        using var detector = Load(kind);
        using var frozen = no_grad();
        var others = LossReference.Boxes("loss", 6, 200, 200, 10, 80).Select((box, i) => new DetectionTarget(box, i % 3));
        DetectionTarget[] targets = [TopLeft, BottomRight, .. others];

        var forward = Values(detector.Loss([Image("image")], [targets], Default));
        var backward = Values(detector.Loss([Image("image")], [[.. targets.Reverse()]], Default));

        backward.ShouldBe(forward);
    }

    [Theory]
    [InlineData("onnx"), InlineData("RetinaNet")]
    public void Every_box_counts_also_the_first(string kind)
    {
        using var detector = Load(kind);
        using var frozen = no_grad();
        int Positives(params DetectionTarget[] targets) => detector.Loss([Image("image")], [targets], Default).Positives;

        var (first, second) = (Positives(TopLeft), Positives(BottomRight));

        first.ShouldBeGreaterThan(0);
        second.ShouldBeGreaterThan(0);
        Positives(TopLeft, BottomRight).ShouldBe(first + second);
        Positives().ShouldBe(0);
    }

    [Theory]
    [InlineData("onnx"), InlineData("RetinaNet")]
    public void The_class_of_a_box_counts(string kind)
    {
        using var detector = Load(kind);
        using var frozen = no_grad();
        var losses = Enumerable.Range(0, 3).Select(c =>
            detector.Loss([Image("image")], [[TopLeft with { Class = c }]], Default).Classification.item<float>());
        losses.Distinct().Count().ShouldBe(3);
    }

    [Theory]
    [InlineData(128, 64, 2f), InlineData(64, 128, 2f), InlineData(256, 160, 1f)]
    public void In_an_image_that_is_no_square_the_gradient_lies_where_the_box_is(int width, int height, float scale)
    {
        using var detector = Load("onnx");
        var image = PseudoWeights.Image("image", height, width).requires_grad_();
        var box = new Box(width * 0.7f, height * 0.1f, width * 0.95f, height * 0.8f);

        detector.Loss([image], [[new DetectionTarget(box, 1)]], Default).Boxes.backward();

        // A cell of stride 32 whose centre is in the box reaches 16 pixels beyond it; bilinear interpolation one more.
        var reach = 16 / scale + 1;
        var places = image.grad!.abs().amax(0).nonzero();
        places.shape[0].ShouldBeGreaterThan(0);
        ((double)places[.., 1].min().item<long>()).ShouldBeGreaterThanOrEqualTo(box.X1 - reach);
        ((double)places[.., 1].max().item<long>()).ShouldBeLessThanOrEqualTo(box.X2 + reach);
        ((double)places[.., 0].min().item<long>()).ShouldBeGreaterThanOrEqualTo(box.Y1 - reach);
        ((double)places[.., 0].max().item<long>()).ShouldBeLessThanOrEqualTo(box.Y2 + reach);
    }

    [Theory]
    [InlineData("onnx"), InlineData("RetinaNet")]
    public void A_batchs_loss_is_the_mean_of_its_images_losses(string kind)
    {
        using var detector = Load(kind);
        using var frozen = no_grad();
        IReadOnlyList<DetectionTarget>[] targets = [[TopLeft, BottomRight], [], [BottomRight]];
        Tensor[] images = [Image("a"), Image("b"), Image("c")];

        var together = Values(detector.Loss(images, targets, Default));
        var alone = images.Zip(targets, (image, ofImage) => Values(detector.Loss([image], [ofImage], Default))).ToList();

        // Convolutions of one image and of three may add up in another order.
        together.Classification.ShouldBe(alone.Average(one => one.Classification), 1e-4f * together.Classification);
        together.Boxes.ShouldBe(alone.Average(one => one.Boxes), 1e-4f * together.Boxes);
        together.Positives.ShouldBe(alone.Sum(one => one.Positives));
        alone[1].Boxes.ShouldBe(0);
        alone[1].Classification.ShouldBeGreaterThan(0);
    }

    [Theory]
    [InlineData("onnx"), InlineData("RetinaNet"), InlineData(Yolox), InlineData(NanoDet)]
    public void Both_terms_reach_the_images_and_nothing_of_the_detector(string kind)
    {
        using var detector = Load(kind, retinaNetSize: 64);
        var before = WeightsOf(detector).Select(weight => weight.contiguous().bytes.ToArray()).ToList();
        foreach (var boxLoss in Enum.GetValues<BoxLoss>())
        {
            Tensor[] images = [Image("a").requires_grad_(), PseudoWeights.Image("b", 256, 200).requires_grad_()];
            var loss = detector.Loss(images, [[TopLeft], [TopLeft, BottomRight]], Default with { BoxLoss = boxLoss });
            foreach (var term in new[] { loss.Classification, loss.Boxes })
            {
                term.requires_grad.ShouldBeTrue();
                foreach (var gradient in autograd.grad([term], images, retain_graph: true))
                {
                    gradient.isfinite().all().item<bool>().ShouldBeTrue();
                    gradient.abs().max().item<float>().ShouldBeGreaterThan(0);
                }
            }
            (loss.Classification + loss.Boxes).backward();
        }
        WeightsOf(detector).Select(weight => weight.contiguous().bytes.ToArray())
            .Zip(before).ShouldAllBe(pair => pair.First.SequenceEqual(pair.Second));
        WeightsOf(detector).ShouldAllBe(weight => !weight.requires_grad && (object?)weight.grad == null);
        before.Count.ShouldBeGreaterThan(3);
    }

    [Theory]
    [InlineData("RetinaNet"), InlineData(Yolox), InlineData(NanoDet)]
    public void The_gradient_is_that_of_finite_differences(string kind)
    {
        using var detector = Load(kind);
        var (image, targets) = kind == "RetinaNet" ? (Image("image"), [TopLeft, BottomRight]) : PhotoWithTargets("000000000632");
        Tensor Loss(Tensor at)
        {
            var loss = detector.Loss([at], [targets], Default);
            return loss.Classification + loss.Boxes;
        }

        Loss(image.requires_grad_()).backward();

        // Along the gradient, where the loss moves most beside its rounding, and so little that no point changes its box.
        var gradient = image.grad!.detach();
        var length = gradient.norm().item<float>();
        using var frozen = no_grad();
        var step = gradient * (5e-4f * Loss(image).item<float>() / (length * length));
        var difference = Loss(image + step).item<float>() - Loss(image - step).item<float>();
        var expected = 2 * step.norm().item<float>() * length;
        (difference / expected).ShouldBe(1, 0.02f);
    }

    [Theory]
    [InlineData("onnx"), InlineData("RetinaNet")]
    public void Boxes_without_area_count_as_absent(string kind)
    {
        using var detector = Load(kind);
        using var frozen = no_grad();
        DetectionTarget[] degenerate =
        [
            new(new Box(50, 50, 50, 60), 0), new(new Box(50, 50, 60, 40), 0), new(new Box(float.NaN, 0, 1, 1), 0),
            new(new Box(0, 0, float.PositiveInfinity, 1), 0),
        ];
        Values(detector.Loss([Image("image")], [[.. degenerate, TopLeft]], Default))
            .ShouldBe(Values(detector.Loss([Image("image")], [[TopLeft]], Default)));
    }

    [Theory]
    [InlineData("onnx"), InlineData("RetinaNet")]
    public void Boxes_outside_of_the_image_and_tiny_ones_stay_finite(string kind)
    {
        using var detector = Load(kind);
        using var frozen = no_grad();
        DetectionTarget[] odd =
        [
            new(new Box(5000, 5000, 5100, 5100), 0), new(new Box(50, 50, 50.01f, 50.01f), 0), new(new Box(-1e6f, -1e6f, 1e6f, 1e6f), 0),
        ];
        foreach (var boxLoss in Enum.GetValues<BoxLoss>())
        {
            var loss = detector.Loss([Image("image")], [odd], Default with { BoxLoss = boxLoss });
            float.IsFinite(loss.Classification.item<float>()).ShouldBeTrue();
            float.IsFinite(loss.Boxes.item<float>()).ShouldBeTrue();
        }
    }

    [Fact]
    public void The_box_weight_weighs_the_boxes_alone()
    {
        using var detector = Load("onnx");
        using var frozen = no_grad();
        var plain = Values(detector.Loss([Image("image")], [[TopLeft]], Default));
        var heavy = Values(detector.Loss([Image("image")], [[TopLeft]], Default with { BoxWeight = 2 }));
        heavy.ShouldBe((plain.Classification, 2 * plain.Boxes, plain.Positives));
    }

    [Fact]
    public void Wrong_arguments_are_refused()
    {
        using var detector = Load("onnx");
        Should.Throw<ArgumentException>(() => detector.Loss([], [], Default));
        Should.Throw<ArgumentException>(() => detector.Loss([Image("image")], [], Default)).Message.ShouldContain("1 images");
        foreach (var unknown in new[] { -1, 3 })
        {
            Should.Throw<ArgumentException>(() => detector.Loss([Image("image")], [[TopLeft with { Class = unknown }]], Default))
                .Message.ShouldContain("no class of the 3");
        }
    }

    [Theory]
    [InlineData("onnx"), InlineData("RetinaNet")]
    public void Thirty_steps_leave_nothing_in_memory(string kind)
    {
        using var detector = Load(kind, retinaNetSize: 64);
        void Step()
        {
            using var scope = NewDisposeScope();
            var image = PseudoWeights.Image("image", 64, 50).requires_grad_();
            var loss = detector.Loss([image], [[new DetectionTarget(new Box(5, 10, 40, 30), 2)]], Default);
            (loss.Classification + loss.Boxes).backward();
            _ = image.grad;
        }

        Step();
        var before = Tensor.TotalCount;
        for (var i = 0; i < 30; i++)
            Step();
        Tensor.TotalCount.ShouldBe(before);
    }

    private static (Tensor Image, DetectionTarget[] Targets) PhotoWithTargets(string name)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(SharedData.Path("coco/instances_val2017.json")));
        var targets = json.RootElement.GetProperty("annotations").EnumerateArray()
            .Where(annotation => annotation.GetProperty("image_id").GetInt64() == long.Parse(name))
            .Select(annotation =>
            {
                float[] xywh = [.. annotation.GetProperty("bbox").EnumerateArray().Select(number => number.GetSingle())];
                var id = annotation.GetProperty("category_id").GetInt32();
                return new DetectionTarget(
                    Box.FromXywh(xywh[0], xywh[1], xywh[2], xywh[3]), CocoCategories.All.Index().Single(one => one.Item.Id == id).Index);
            }).ToArray();
        targets.ShouldNotBeEmpty();
        return (Photo.Read(SharedData.Path($"coco/val2017/{name}.jpg")), targets);
    }
}
