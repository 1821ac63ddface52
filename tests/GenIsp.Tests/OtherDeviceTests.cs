using GenIsp.Detection;
using GenIsp.Detection.RetinaNet;
using GenIsp.Isp;
using GenIsp.Tests.Detection;
using GenIsp.Tests.Isp;
using GenIsp.Tests.Training;
using Google.Protobuf;
using TorchSharp;
using static TorchSharp.torch;

namespace GenIsp.Tests;

/// <summary>What develops and detects is not bound to the processor: another device comes to the same numbers.</summary>
public sealed class OtherDeviceTests : IDisposable
{
    private const string Yolox = "YOLOX", NanoDet = "NanoDet-Plus", RetinaNetV2 = "RetinaNet";

    private readonly TemporaryFolder _folder = new();
    private readonly DisposeScope _scope = NewDisposeScope();

    public OtherDeviceTests() => Assert.SkipUnless(OtherDevice.IsThere, "This libtorch has no other device.");

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(FeatureNormalization.Instance), InlineData(FeatureNormalization.Affine)]
    public void GenISP_develops(FeatureNormalization normalization)
    {
        using var model = new GenIspModel(new GenIspOptions { Normalization = normalization });
        FormulaWeights.Fill(model);
        IspFile.Save(_folder["isp.safetensors"], model);
        using var here = IspFile.LoadModel(_folder["isp.safetensors"]);
        using var there = IspFile.Load(_folder["isp.safetensors"], device: OtherDevice.Instance);
        there.ShouldBeOfType<GenIspModel>().parameters().ShouldAllBe(parameter => parameter.device_type == OtherDevice.Instance.type);
        var image = TrainerTests.Sample("a", 40, 24).Image;

        var (expected, found) = (here.Develop(image).Pixels.ToArray(), there.Develop(image).Pixels.ToArray());

        found.ShouldBe(expected, 1e-4 * expected.Max(Math.Abs));
    }

    [Theory]
    [InlineData(Yolox), InlineData(NanoDet), InlineData(RetinaNetV2)]
    public void A_detector_finds(string kind)
    {
        using var here = Load(kind, null);
        using var there = Load(kind, OtherDevice.Instance);
        var image = PseudoWeights.Image("photo", 64, 96);

        var (expected, found) = (here.Detect([image], 0.3f)[0], there.Detect([image], 0.3f)[0]);

        expected.ShouldNotBeEmpty();
        found.Count.ShouldBe(expected.Count);
        foreach (var (one, other) in expected.Zip(found))
        {
            other.Category.ShouldBe(one.Category);
            other.Score.ShouldBe(one.Score, 1e-4);
            other.Box.IoU(one.Box).ShouldBeGreaterThan(0.999f);
        }
    }

    private Detector Load(string kind, Device? device)
    {
        if (kind is Yolox or NanoDet)
        {
            var model = kind == Yolox ? OnnxDetectorTests.Tiny(8, [8, 16, 32]) : OnnxDetectorTests.Tiny(35, [8, 16, 32, 64]);
            File.WriteAllBytes(_folder["tiny.onnx"], model.Build("y").ToByteArray());
            return DetectorFile.Load(_folder["tiny.onnx"], device: device);
        }
        var reference = RetinaNetReference.Instance.Cases.Values.First(one => one.Version == 2);
        return RetinaNet.FromStateDict(
            RetinaNetReference.WeightsOf(reference), kind, new RetinaNetOptions { MinSize = 64, MaxSize = 96 }, device);
    }
}
