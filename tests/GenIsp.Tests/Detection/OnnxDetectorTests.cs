using System.Text.Json;
using GenIsp.Detection;
using GenIsp.Detection.OnnxGraph;
using GenIsp.Detection.OnnxGraph.Proto;
using GenIsp.Geometry;
using GenIsp.Tests.Detection.OnnxGraph;
using Google.Protobuf;
using TorchSharp;
using static TorchSharp.torch;

namespace GenIsp.Tests.Detection;

public sealed class OnnxDetectorTests : IDisposable
{
    private const string Yolox = "weights/yolox_nano.onnx", NanoDet = "weights/nanodet_plus_m_416.onnx";

    private readonly string _path = Path.GetTempFileName();

    public void Dispose() => File.Delete(_path);

    private string Saved(ModelProto model)
    {
        File.WriteAllBytes(_path, model.ToByteArray());
        return _path;
    }

    // For each stride one convolution over its cell, all columns of the output sigmoids of about -2..2.
    internal static OnnxBuilder Tiny(int columns, int[] strides, long size = 64, string activation = "Sigmoid")
    {
        var builder = new OnnxBuilder(13, 1, 3, size, size).Longs("shape", 1, columns, -1);
        foreach (var stride in strides)
        {
            float[] weights = [.. OnnxBuilder.Random(columns * 3L * stride * stride, seed: stride).Select(value => 0.01f / stride * value)];
            builder.Weight($"w{stride}", weights, columns, 3, stride, stride)
                .Node("Conv", $"x w{stride}", $"c{stride}", ("strides", new[] { stride, stride }))
                .Node("Reshape", $"c{stride} shape", $"r{stride}");
        }
        return builder.Node("Concat", string.Join(' ', strides.Select(stride => $"r{stride}")), "all", ("axis", 2))
            .Node("Transpose", "all", "t", ("perm", new[] { 0, 2, 1 })).Node(activation, "t", "y");
    }

    private static readonly int[] Three = [8, 16, 32], Four = [8, 16, 32, 64];

    [Theory]
    [InlineData(Yolox, DetectorConvention.Yolox), InlineData(NanoDet, DetectorConvention.NanoDet)]
    public void Real_detectors_are_recognised(string file, DetectorConvention convention)
    {
        using var detector = OnnxDetector.Load(SharedData.Path(file));
        detector.Convention.ShouldBe(convention);
        detector.Categories.ShouldBe(CocoCategories.All);
        (detector.Input.Width, detector.Input.Height).ShouldBe((416, 416));
    }

    [Theory]
    [InlineData(Yolox), InlineData(NanoDet)]
    public void The_largest_object_of_photos_is_found(string file)
    {
        using var detector = OnnxDetector.Load(SharedData.Path(file));
        foreach (var name in new[] { "000000000632.jpg", "000000000139.jpg", "000000001532.jpg" }) // a bed, a television, a car
        {
            var (box, category) = LargestObject(name);
            using var photo = Photo.Read(SharedData.Path($"coco/val2017/{name}"));
            var found = detector.Detect([photo], 0.3f)[0];
            found.ShouldContain(detection => detection.Category.Id == category && detection.Box.IoU(box) > 0.5f, name);
            found.Select(detection => detection.Score).ShouldBeInOrder(SortDirection.Descending);
        }
    }

    private static (Box Box, int Category) LargestObject(string name)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(SharedData.Path("coco/instances_val2017.json")));
        var image = json.RootElement.GetProperty("images").EnumerateArray()
            .First(image => image.GetProperty("file_name").GetString() == name).GetProperty("id");
        return json.RootElement.GetProperty("annotations").EnumerateArray()
            .Where(annotation => annotation.GetProperty("image_id").ToString() == image.ToString())
            .Select(annotation =>
            {
                float[] xywh = [.. annotation.GetProperty("bbox").EnumerateArray().Select(number => number.GetSingle())];
                return (Box.FromXywh(xywh[0], xywh[1], xywh[2], xywh[3]), annotation.GetProperty("category_id").GetInt32());
            })
            .MaxBy(one => one.Item1.Area);
    }

    [Theory]
    [InlineData(Yolox), InlineData(NanoDet)]
    public void Detections_are_those_of_a_plain_decoder(string file)
    {
        var path = SharedData.Path(file);
        using var scope = NewDisposeScope();
        using var detector = OnnxDetector.Load(path);
        var photo = Photo.Read(SharedData.Path("coco/val2017/000000000632.jpg")); // 640 × 483
        var (input, _) = detector.Input.Apply(photo);
        var (raw, shape) = OnnxRuntimeReference.Run(OnnxFile.Read(path), input.data<float>().ToArray(), [1, 3, 416, 416])[0];
        float[][] rows = [.. raw.Chunk((int)shape[2])];
        var expected = file == Yolox ? PlainYolox(rows, 0.2f) : PlainNanoDet(rows, 0.2f);
        var found = detector.Detect([photo], 0.2f)[0];
        found.Count.ShouldBe(expected.Count);
        found.Count.ShouldBeGreaterThan(3);
        foreach (var (detection, (box, category, score)) in found.Zip(expected))
        {
            detection.Category.ShouldBe(CocoCategories.All[category]);
            detection.Score.ShouldBe(score, 1e-4); // as far as the raw outputs agree
            var (x, y) = (640 / 416f, 483 / 313f);
            detection.Box.X1.ShouldBe(Math.Clamp(box.X1 * x, 0, 640), 0.05);
            detection.Box.Y1.ShouldBe(Math.Clamp(box.Y1 * y, 0, 483), 0.05);
            detection.Box.X2.ShouldBe(Math.Clamp(box.X2 * x, 0, 640), 0.05);
            detection.Box.Y2.ShouldBe(Math.Clamp(box.Y2 * y, 0, 483), 0.05);
        }
    }

    private static List<(Box Box, int Category, float Score)> PlainYolox(float[][] rows, float threshold)
    {
        var all = new List<(Box, int, float)>();
        var row = 0;
        foreach (var stride in Three)
        {
            for (var y = 0; y < 416 / stride; y++)
            {
                for (var x = 0; x < 416 / stride; x++, row++)
                {
                    var r = rows[row];
                    var (cx, cy) = ((r[0] + x) * stride, (r[1] + y) * stride);
                    var (w, h) = (MathF.Exp(r[2]) * stride, MathF.Exp(r[3]) * stride);
                    var best = Enumerable.Range(0, 80).MaxBy(c => r[5 + c]);
                    all.Add((new Box(cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2), best, r[4] * r[5 + best]));
                }
            }
        }
        return PlainNms([.. all.Where(one => one.Item3 >= threshold)], 0.65f);
    }

    private static List<(Box Box, int Category, float Score)> PlainNanoDet(float[][] rows, float threshold)
    {
        var all = new List<(Box, int, float)>();
        var row = 0;
        foreach (var stride in Four)
        {
            for (var y = 0; y < 416; y += stride)
            {
                for (var x = 0; x < 416; x += stride, row++)
                {
                    var r = rows[row];
                    float[] sides = [.. Enumerable.Range(0, 4).Select(side =>
                    {
                        var bins = r[(80 + 8 * side)..(88 + 8 * side)].Select(MathF.Exp).ToArray();
                        return bins.Select((bin, k) => k * bin).Sum() / bins.Sum() * stride;
                    })];
                    var box = new Box(x - sides[0], y - sides[1], x + sides[2], y + sides[3]);
                    all.AddRange(Enumerable.Range(0, 80).Select(c => (box, c, r[c])));
                }
            }
        }
        return PlainNms([.. all.Where(one => one.Item3 >= threshold)], 0.6f);
    }

    private static List<(Box Box, int Category, float Score)> PlainNms(List<(Box Box, int Category, float Score)> left, float threshold)
    {
        var kept = new List<(Box Box, int Category, float Score)>();
        while (left.Count > 0)
        {
            var best = left.MaxBy(one => one.Score);
            kept.Add(best);
            left.RemoveAll(one => one == best || (one.Category == best.Category && one.Box.IoU(best.Box) > threshold));
        }
        return kept;
    }

    [Theory]
    [InlineData(Yolox, 85), InlineData(NanoDet, 112)]
    public void Predictions_carry_a_gradient_to_the_image(string file, long columns)
    {
        using var scope = NewDisposeScope();
        using var detector = OnnxDetector.Load(SharedData.Path(file));
        var image = rand(3, 100, 200).requires_grad_();
        var predictions = detector.Predict(image);
        var points = predictions.Points.shape[0];
        predictions.Raw.shape.ShouldBe([points, columns]);
        predictions.Scores.shape.ShouldBe([points, 80]);
        predictions.Boxes.shape.ShouldBe([points, 4]);
        predictions.Strides.shape.ShouldBe([points]);
        foreach (var output in new[] { predictions.Scores, predictions.Boxes })
        {
            output.sum().backward(retain_graph: true);
            image.grad!.ne(0).sum().item<long>().ShouldBeGreaterThan(image.numel() / 2);
            image.grad!.zero_();
        }
        predictions.Points.requires_grad.ShouldBeFalse();
    }

    [Fact]
    public void Fifty_detections_leave_nothing_in_memory()
    {
        using var detector = OnnxDetector.Load(Saved(Tiny(5 + 3, Three).Build()));
        using var image = rand(3, 50, 60);
        var statistics = DisposeScopeManager.Statistics; // of this thread
        var before = statistics.ThreadTotalLiveCount;
        for (var i = 0; i < 50; i++)
            detector.Detect([image, image], 0.1f);
        statistics.ThreadTotalLiveCount.ShouldBe(before);
    }

    [Fact]
    public void A_detector_frees_all_that_it_loaded()
    {
        Saved(Tiny(5 + 3, Three).Build());
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        OnnxDetector.Load(_path).Dispose();
        DisposeScopeManager.Statistics.ThreadTotalLiveCount.ShouldBe(before);
        Should.Throw<GenIspException>(() => OnnxDetector.Load(_path, DetectorConvention.NanoDet));
        DisposeScopeManager.Statistics.ThreadTotalLiveCount.ShouldBe(before);
    }

    [Fact]
    public void A_detector_outlives_the_dispose_scope_of_its_loading()
    {
        OnnxDetector detector;
        using (NewDisposeScope())
            detector = OnnxDetector.Load(Saved(Tiny(5 + 3, Three).Build()));
        using (detector)
        using (var image = rand(3, 50, 60))
            detector.Detect([image], 0).Single().ShouldNotBeEmpty();
    }

    [Fact]
    public void Detections_lie_inside_the_image_and_reach_the_threshold()
    {
        using var detector = OnnxDetector.Load(Saved(Tiny(3 + 32, Four).Build()));
        detector.Convention.ShouldBe(DetectorConvention.NanoDet);
        using var image = rand(3, 30, 80);
        var found = detector.Detect([image], 0.5f)[0];
        found.ShouldNotBeEmpty();
        found.Count.ShouldBeLessThanOrEqualTo(100);
        foreach (var (box, _, score) in found)
        {
            score.ShouldBeGreaterThanOrEqualTo(0.5f);
            box.X1.ShouldBeInRange(0, box.X2);
            box.Y1.ShouldBeInRange(0, box.Y2);
            (box.X2 <= 80 && box.Y2 <= 30).ShouldBeTrue();
        }
    }

    [Theory]
    [InlineData("{0: 'person', 1: 'bike'}", "person, bike"), InlineData("[\"person\", \"bike\"]", "person, bike")]
    [InlineData("person, bike", "person, bike"), InlineData("person", "class 0, class 1"), InlineData(null, "class 0, class 1")]
    public void The_classes_of_other_detectors_are_named_by_the_file(string? names, string expected)
    {
        var builder = Tiny(5 + 2, Three);
        if (names is not null)
            builder.Metadata("names", names);
        using var detector = OnnxDetector.Load(Saved(builder.Build()));
        string.Join(", ", detector.Categories.Select(category => category.Name)).ShouldBe(expected);
        detector.Categories.Select(category => category.Id).ShouldBe([1, 2]);
    }

    [Fact]
    public void An_output_that_is_not_recognised_is_described()
    {
        var message = Should.Throw<GenIspException>(() => OnnxDetector.Load(Saved(Tiny(7, [16]).Build()))).Message;
        message.ShouldContain("'y' Float32 [1, 16, 7]");
        message.ShouldContain("YOLOX [1, N, 5 + classes] with strides 8, 16, 32, not decoded (here N = 84)");
        message.ShouldContain("NanoDet-Plus [1, N, classes + 32] with strides 8, 16, 32, 64 (here N = 85)");
        Should.Throw<GenIspException>(() => OnnxDetector.Load(_path, DetectorConvention.Yolox))
            .Message.ShouldContain("not of the convention Yolox");
    }

    [Fact]
    public void Scores_that_are_no_probabilities_are_not_recognised()
    {
        // Softplus(bias 2) is above 1 even where the image is empty.
        var model = Tiny(7, Three, activation: "Softplus").Build();
        model.Graph.Initializer.Add(OnnxBuilder.Tensor([.. Enumerable.Repeat(2f, 7)], [7], "bias"));
        foreach (var convolution in model.Graph.Node.Where(node => node.OpType == "Conv"))
            convolution.Input.Add("bias");
        Should.Throw<GenIspException>(() => OnnxDetector.Load(Saved(model))).Message.ShouldContain("the scores are probabilities");
    }

    [Fact]
    public void The_size_of_a_file_that_fixes_none_is_given()
    {
        var model = Tiny(5 + 3, Three).Build();
        foreach (var axis in new[] { 2, 3 })
            model.Graph.Input[0].Type.TensorType.Shape.Dim[axis] = new TensorShapeProto.Types.Dimension { DimParam = "size" };
        Should.Throw<GenIspException>(() => OnnxDetector.Load(Saved(model))).Message.ShouldContain("[1, 3, ?, ?]");
        using var detector = OnnxDetector.Load(_path, input: DetectorInput.Yolox(96, 64));
        using var image = rand(3, 50, 60);
        detector.Detect([image], 0).Single().ShouldNotBeEmpty();
    }

    [Fact]
    public void A_size_other_than_the_files_is_refused() => Should.Throw<GenIspException>(
        () => OnnxDetector.Load(Saved(Tiny(5 + 3, Three).Build()), input: DetectorInput.Yolox(96, 64)))
        .Message.ShouldContain("not of 96×64");

    [Fact]
    public void An_input_that_is_no_image_is_refused()
    {
        var model = Tiny(5 + 3, Three).Build();
        model.Graph.Input[0].Type.TensorType.Shape.Dim[1].DimValue = 1;
        Should.Throw<GenIspException>(() => OnnxDetector.Load(Saved(model))).Message.ShouldContain("float [1, 3, H, W]");
    }
}
