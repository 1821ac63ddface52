using System.Runtime.InteropServices;
using GenIsp.Data;
using GenIsp.Detection;
using GenIsp.Geometry;
using GenIsp.Imaging;
using GenIsp.Isp;
using GenIsp.Tests.Detection;
using GenIsp.Training;
using Google.Protobuf;

namespace GenIsp.Tests.Training;

/// <summary>
/// A folder with splits of small photos, each with one bright rectangle, a person to be found, on dim noise; and a detector of three
/// convolutions.
/// </summary>
internal sealed class TinyPhotos : IDisposable
{
    public const int Width = 32, Height = 24;

    private readonly TemporaryFolder _folder = new();

    public string this[string name] => _folder[name];

    /// <summary>Of a network that takes a third of the time: three quarters of it go into what comes between the poolings.</summary>
    public static GenIspOptions Quick { get; } = new() { Pools = [8, 4, 2] };

    /// <summary>Of two epochs of two steps, with all that a run does.</summary>
    public TrainingOptions Options => new()
    {
        Detector = this["tiny.onnx"],
        Images = this["train"],
        Annotations = this["train.json"],
        ValidationImages = this["val"],
        ValidationAnnotations = this["val.json"],
        Simulation = new NightSimulation(),
        Network = Quick,
        Epochs = 2,
        BatchSize = 2,
        LearningRate = 1e-3,
        WarmUpSteps = 3,
        ClipNorm = 1,
        AveragingDecay = 0.9,
        ColorLossWeight = 0.1,
        Seed = 5,
    };

    /// <summary>With the splits "train" of three photos and "val" of two, and the detector.</summary>
    public static TinyPhotos Create()
    {
        var photos = new TinyPhotos();
        photos.WriteSplit("train", "a1", "b5", "c9");
        photos.WriteSplit("val", "d1", "e5");
        photos.WriteDetector();
        return photos;
    }

    /// <summary>The detector alone.</summary>
    public static OnnxDetector Detector()
    {
        using var photos = new TinyPhotos();
        photos.WriteDetector();
        return OnnxDetector.Load(photos["tiny.onnx"]);
    }

    /// <summary>Photos in the folder of the split's name, and their annotations beside it.</summary>
    public void WriteSplit(string split, params string[] stems)
    {
        Directory.CreateDirectory(this[split]);
        foreach (var stem in stems)
            PictureFile.WritePng(this[$"{split}/{stem}.png"], Photo(stem));
        var images = stems.Select((stem, i) =>
            $$"""{"id": {{i}}, "file_name": "{{stem}}.png", "width": {{Width}}, "height": {{Height}}}""");
        var boxes = stems.Select((stem, i) =>
        {
            var box = BoxOf(stem);
            var sides = $"[{box.X}, {box.Y}, {box.Width}, {box.Height}]";
            return $$"""{"id": {{i + 1}}, "image_id": {{i}}, "category_id": 1, "bbox": {{sides}}}""";
        });
        File.WriteAllText(this[$"{split}.json"], $$"""
            {"images": [{{string.Join(", ", images)}}], "annotations": [{{string.Join(", ", boxes)}}],
             "categories": [{"id": 1, "name": "person"}, {"id": 500, "name": "lantern"}]}
            """);
    }

    /// <summary>A split's photos become mosaics of a dark night.</summary>
    public void ToMosaics(string split)
    {
        var camera = SimulatedCamera.Load("nikon-d750");
        foreach (var photo in Directory.GetFiles(this[split], "*.png"))
        {
            var night = NightParameters.Draw(new NightOptions(), Seeds.Derive(1, Path.GetFileName(photo)));
            var mosaic = LowLightSimulator.Simulate(PictureFile.Read(photo), camera, night, 1);
            File.WriteAllBytes(Path.ChangeExtension(photo, ".bin"), MemoryMarshal.AsBytes(mosaic.Mosaic.Span));
            File.WriteAllText(
                Path.ChangeExtension(photo, ".bin.json"),
                $$"""{"width": {{mosaic.Width}}, "height": {{mosaic.Height}}, "cfa": "RGGB", "camera": "Nikon D750"}""");
            File.Delete(photo);
        }
    }

    /// <summary>Of no symmetry: left and right, above and below, width and height all differ.</summary>
    public static CocoBox BoxOf(string stem) => new(3 + stem[0] % 5, 2 + stem[0] % 3, 14, 7);

    public static RgbImage Photo(string stem)
    {
        var random = new RandomSource(Seeds.Derive(1, stem));
        var box = BoxOf(stem);
        var pixels = new float[3 * Width * Height];
        for (var i = 0; i < pixels.Length; i++)
        {
            var (x, y) = (i % Width, i / Width % Height);
            var isInside = x >= box.X && x < box.X + box.Width && y >= box.Y && y < box.Y + box.Height;
            pixels[i] = (float)random.NextUniform(isInside ? 0.9 : 0.1, isInside ? 1 : 0.3);
        }
        return new RgbImage(pixels, new Frame(Width, Height));
    }

    public void Dispose() => _folder.Dispose();

    private void WriteDetector() =>
        File.WriteAllBytes(this["tiny.onnx"], OnnxDetectorTests.Tiny(5 + 80, [8, 16, 32], size: 64).Build().ToByteArray());
}
