using GenIsp.Color;
using GenIsp.Data;
using GenIsp.Geometry;
using GenIsp.Imaging;
using GenIsp.Raw;

namespace GenIsp.Benchmarks;

/// <summary>
/// What a trainer waits for: a 20-megapixel RAW file to a 1200×800 XYZ image, decoded and from the cache; and a photo of COCO's size to
/// a simulated night, decoding and simulation.
/// </summary>
internal static class DataBenchmark
{
    private const int Runs = 15;

    public static void Run()
    {
        var folder = Directory.CreateTempSubdirectory("genisp-bench-").FullName;
        try
        {
            RawFile(folder);
            Photo(folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void RawFile(string folder)
    {
        var raw = Path.Combine(folder, "night.dng");
        var camera = SimulatedCamera.Load("sony-rx100m7");
        DngWriter.Write(raw, LowLightSimulator.Simulate(Noise(2736, 1824), camera, NightParameters.Draw(new NightOptions(), 1), 1));
        var image = new CocoImage("night", null, (5472, 3648));
        var cache = new ImageCache(Path.Combine(folder, "images"), ImageCache.DefaultSize);
        // A reader that has seen the file trusts its size and time; a new run's reads it once, to know it.
        var reader = new AnnotatedReader(cache);
        void Read(AnnotatedReader reader) => reader.Read(raw, image, new LinearOptions(), new Lazy<SensorImage>(() => RawReader.Read(raw)));
        Read(reader);

        var (warm, cold) = Comparison.Run(() => Read(reader), () => Read(new AnnotatedReader(null)), warmUps: 2, runs: Runs);
        var (first, _) = Comparison.Run(() => Read(new AnnotatedReader(cache)), () => { }, warmUps: 2, runs: Runs);
        Console.WriteLine($"data:  20-megapixel RAW file → 1200×800 XYZ  decoded {cold}");
        Console.WriteLine($"       from the cache                        {warm}, the first time in a run {first}");
        BenchmarkFile.Write("data", new { cold, warm, first });
    }

    private static void Photo(string folder)
    {
        var jpeg = Path.Combine(folder, "photo.jpg");
        PictureFile.WriteJpeg(jpeg, Noise(640, 480));
        var photo = PictureFile.Read(jpeg);
        var camera = SimulatedCamera.Load("sony-rx100m7");
        var night = NightParameters.Draw(new NightOptions(), 1);
        var options = new LinearOptions { MaxSize = new SizeLimit(416, 416), Antialias = true };

        var (simulated, decoded) = Comparison.Run(
            () => LinearPipeline.ToLinear(LowLightSimulator.Simulate(photo, camera, night, 1), options), () => PictureFile.Read(jpeg),
            warmUps: 2, runs: Runs);
        Console.WriteLine($"       640×480 photo → 416×312 night           simulated {simulated}, decoded before {decoded}");
    }

    // Somewhat smooth, as photos are.
    private static RgbImage Noise(int width, int height)
    {
        var random = new Random(1);
        var pixels = new float[3 * width * height];
        var value = 0.5f;
        foreach (ref var pixel in pixels.AsSpan())
            pixel = value = Math.Clamp(value + 0.1f * (random.NextSingle() - 0.5f), 0, 1);
        return new RgbImage(pixels, new Frame(width, height));
    }
}
