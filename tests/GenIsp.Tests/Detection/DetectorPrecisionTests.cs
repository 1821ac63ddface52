using GenIsp.Detection;
using GenIsp.Detection.RetinaNet;
using GenIsp.Geometry;
using GenIsp.Isp;
using static TorchSharp.torch;

namespace GenIsp.Tests.Detection;

public sealed class DetectorPrecisionTests
{
    private const string Yolox = "weights/yolox_nano.onnx", NanoDet = "weights/nanodet_plus_m_416.onnx";

    private static readonly DetectionTarget[] Targets = [new(new Box(5, 10, 140, 130), 0), new(new Box(200, 80, 290, 200), 2)];

    private static Detector Load(string kind, DetectorPrecision precision)
    {
        if (kind != "RetinaNet")
            return OnnxDetector.Load(SharedData.Path(kind), precision: precision);
        var reference = RetinaNetReference.Instance.Cases.Values.First(reference => reference.Version == 2);
        return RetinaNet.FromStateDict(
            RetinaNetReference.WeightsOf(reference), kind, new RetinaNetOptions { MinSize = 128, MaxSize = 192, Precision = precision });
    }

    [Fact]
    public void Auto_is_mixed_where_the_processor_has_bfloat16()
    {
        DetectorTypes.Resolve(DetectorPrecision.Auto).ShouldBe(
            DetectorTypes.ProcessorHasBFloat16 ? DetectorPrecision.Mixed : DetectorPrecision.Float32);
        using var detector = Load("RetinaNet", DetectorPrecision.Auto);
        detector.Precision.ShouldBe(DetectorTypes.Resolve(DetectorPrecision.Auto));
    }

    [Theory]
    [InlineData(Yolox), InlineData(NanoDet), InlineData("RetinaNet")]
    public void Mixed_precision_has_the_losses_of_float32_and_its_gradient_to_the_ISP(string kind)
    {
        using var scope = NewDisposeScope();
        using var isp = IspFile.LoadModel(Path.Combine(Repository.Root, "models", "genisp-night.safetensors"));
        using var photo = Photo.Read(SharedData.Path("coco/val2017/000000000139.jpg"));
        var light = nn.functional.interpolate(
            photo.unsqueeze(0).pow(2.2) * 0.3, [192, 288], mode: InterpolationMode.Bilinear, align_corners: false);

        (double Loss, Tensor Gradient) Learn(DetectorPrecision precision)
        {
            using var detector = Load(kind, precision);
            isp.zero_grad();
            var terms = detector.Loss([isp.forward(light)[0]], [Targets], new DetectionLossOptions());
            var loss = terms.Classification + terms.Boxes;
            loss.backward();
            return (loss.item<float>(), cat(isp.parameters().Select(parameter => parameter.grad!.flatten()).ToArray()).clone());
        }
        var (expected, gradient) = Learn(DetectorPrecision.Float32);
        var (actual, rounded) = Learn(DetectorPrecision.Mixed);

        actual.ShouldBe(expected);
        // Their large windows without strides all have kernels of our own, which round nothing.
        rounded.Numbers<float>().ShouldBe(gradient.Numbers<float>());
    }

    [Theory]
    [InlineData(Yolox), InlineData(NanoDet)]
    public void What_is_sure_in_float32_is_found_in_bfloat16(string kind)
    {
        using var scope = NewDisposeScope();
        using var photo = Photo.Read(SharedData.Path("coco/val2017/000000000139.jpg"));
        using var exact = Load(kind, DetectorPrecision.Float32);
        using var rounded = Load(kind, DetectorPrecision.Bfloat16);

        var (sure, found) = (exact.Detect([photo], 0.5f)[0], rounded.Detect([photo], 0.2f)[0]);

        sure.ShouldNotBeEmpty();
        foreach (var expected in sure)
        {
            found.Any(one => one.Category == expected.Category && Math.Abs(one.Score - expected.Score) < 0.1
                && one.Box.IoU(expected.Box) > 0.85).ShouldBeTrue($"{expected}");
        }
    }
}
