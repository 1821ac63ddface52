using GenIsp.Color;
using GenIsp.Data;
using GenIsp.Geometry;
using GenIsp.Isp;
using GenIsp.Raw;
using GenIsp.Tests.Isp;

namespace GenIsp.Tests.Data;

public sealed class AnnotatedReaderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("plain.dng")]
    [InlineData("turned.dng")]
    [InlineData("mirrored.dng")]
    [InlineData("no_white_balance.dng")]
    public void An_image_is_the_same_without_a_cache_and_with_a_cold_and_a_warm_one(string name)
    {
        var file = Path.Combine(AppContext.BaseDirectory, "Fixtures", "raw", name);
        var sensor = RawReader.Read(file);
        var swaps = sensor.Orientation.SwapsSides();
        var image = new CocoImage("x", null, swaps ? (sensor.Height, sensor.Width) : (sensor.Width, sensor.Height));
        var options = new LinearOptions { MaxSize = new SizeLimit(40, 30), Antialias = true };
        var (none, noFrame) = new AnnotatedReader(null).Read(file, image, options, new Lazy<SensorImage>(sensor));
        var (cold, coldFrame) = new AnnotatedReader(Cache()).Read(file, image, options, new Lazy<SensorImage>(sensor));
        var cache = Cache();
        var (warm, warmFrame) = new AnnotatedReader(cache).Read(file, image, options, Unread);

        (cache.Found, cache.Made).ShouldBe((1, 0));
        var direct = LinearPipeline.ToLinear(sensor, options);
        foreach (var (linear, frame) in new[] { (none, noFrame), (cold, coldFrame), (warm, warmFrame) })
        {
            linear.Pixels.ToArray().ShouldBe(none.Pixels.ToArray());
            (linear.Source, linear.Frame, linear.Cst, linear.White, linear.Saturated)
                .ShouldBe((direct.Source, direct.Frame, direct.Cst, direct.White, direct.Saturated));
            frame.ShouldBe(AnnotationFrame.In(sensor, image));
        }
    }

    [Fact]
    public void Whatever_changes_the_image_makes_another_one()
    {
        WriteMosaic(1, 600);
        var cache = Cache();
        var image = new CocoImage("x", null, (64, 48));
        void ShouldBeMade(CocoImage of, LinearOptions options)
        {
            var made = cache.Made;
            // A reader remembers the content of files, as long as their sizes and times stay.
            new AnnotatedReader(cache).Read(_folder["x.bin"], of, options, new Lazy<SensorImage>(() => RawReader.Read(_folder["x.bin"])));
            cache.Made.ShouldBe(made + 1);
            new AnnotatedReader(cache).Read(_folder["x.bin"], of, options, Unread);
            cache.Made.ShouldBe(made + 1);
        }
        var plain = new LinearOptions();

        ShouldBeMade(image, plain);
        ShouldBeMade(image, plain with { Cst = CstDirection.None });
        ShouldBeMade(image, plain with { MaxSize = new SizeLimit(20, 20) });
        ShouldBeMade(image, plain with { MaxSize = null });
        ShouldBeMade(image, plain with { MaxSize = null, Antialias = true });
        ShouldBeMade(image with { Size = (62, 46) }, plain);
        WriteMosaic(2, 600);
        ShouldBeMade(image, plain);
        WriteMosaic(2, 500);
        ShouldBeMade(image, plain);
        cache.TakeWarning().ShouldBeNull();
    }

    [Fact]
    public void The_same_content_is_found_under_another_name_and_under_its_own()
    {
        WriteMosaic(1, 600);
        var cache = Cache();
        var image = new CocoImage("x", null, (64, 48));
        var reader = new AnnotatedReader(cache);
        var first = reader.Read(_folder["x.bin"], image, new LinearOptions(), new Lazy<SensorImage>(() => RawReader.Read(_folder["x.bin"])));
        File.Copy(_folder["x.bin"], _folder["y.bin"]);
        File.Copy(_folder["x.bin.json"], _folder["y.bin.json"]);

        var second = reader.Read(_folder["y.bin"], image, new LinearOptions(), Unread);

        second.Linear.Source.ShouldBe(_folder["y.bin"]);
        second.Linear.Pixels.ToArray().ShouldBe(first.Linear.Pixels.ToArray());
    }

    [Fact]
    public void A_changed_file_is_noticed_while_a_run_goes_on()
    {
        WriteMosaic(1, 600);
        var reader = new AnnotatedReader(Cache());
        float[] Read() => reader.Read(
            _folder["x.bin"], new CocoImage("x", null, (64, 48)), new LinearOptions(),
            new Lazy<SensorImage>(() => RawReader.Read(_folder["x.bin"]))).Linear.Pixels.ToArray();
        var before = Read();

        WriteMosaic(2, 600);
        File.SetLastWriteTimeUtc(_folder["x.bin"], DateTime.UtcNow.AddSeconds(1));

        Read().ShouldNotBe(before);
    }

    // In share of the picture's range. The classical ISP multiplies by up to 12.92 where its curve begins, and the colour matrix takes X, Y and
    // Z from each other: what is nearly black in one channel, and noise, may differ by two steps of 8 bits.
    [Theory]
    [InlineData(1)]
    [InlineData(0.1)]
    [InlineData(0.01)]
    [InlineData(0.001)]
    public void What_an_ISP_makes_of_it_is_as_good_as_what_it_makes_of_the_unrounded_image(double brightness)
    {
        var image = Night(brightness);
        var rounded = new LinearImage(
            image.Source, StoredImage.Parse(StoredImage.ToBytes(new SensorShape("x", 2, 2, Orientation.Upright), image)).Pixels, image.Frame,
            image.Cst, image.White, image.Saturated);
        using var model = new GenIspModel();
        FormulaWeights.Fill(model);
        using var network = FusedGenIsp.From(model);
        using var shipped = IspFile.Load(IspFile.Shipped);
        using var classical = new ClassicalIsp(new ClassicalOptions());
        foreach (var (isp, tolerance) in new (IIsp, double)[] { (network, 2e-3), (shipped, 2e-3), (classical, 1e-2) })
        {
            var (before, after) = (isp.Develop(image).Pixels.ToArray(), isp.Develop(rounded).Pixels.ToArray());

            var range = (double)before.Max() - before.Min();
            var differences = before.Zip(after, (a, b) => Math.Abs(a - b) / range).ToList();
            TestContext.Current.TestOutputHelper?.WriteLine(
                $"{isp.GetType().Name} at {brightness}: {differences.Max():0.0e0}, on average {differences.Average():0.0e0}");
            differences.Max().ShouldBeLessThan(tolerance);
            differences.Average().ShouldBeLessThan(2e-4);
        }
    }

    // A scene of edges and gradients under shot and read noise.
    private static LinearImage Night(double brightness)
    {
        const int Width = 200, Height = 150;
        var random = new RandomSource(3);
        var pixels = new float[3 * Width * Height];
        for (var i = 0; i < pixels.Length; i++)
        {
            var (x, y) = (i % Width, i / Width % Height);
            var light = brightness * (0.05 + 0.5 * x / Width + (x / 20 % 2 == y / 15 % 2 ? 0.4 : 0));
            pixels[i] = (float)(light + Math.Sqrt(1e-4 * light + 1e-8) * random.NextNormal());
        }
        return new LinearImage(
            "night", pixels, new Frame(Width, Height), CstDirection.Inverse, new Vector3(0.95, 1, 1.09), new Vector3(1.05, 1.02, 1.5));
    }

    private static Lazy<SensorImage> Unread => new(() => throw new InvalidOperationException("It is in the cache."));

    private ImageCache Cache() => new(_folder["cache"], 1_000_000_000, leastFree: 0);

    private void WriteMosaic(int seed, int black)
    {
        var bytes = new byte[2 * 64 * 48];
        new Random(seed).NextBytes(bytes);
        File.WriteAllBytes(_folder["x.bin"], bytes);
        File.WriteAllText(
            _folder["x.bin.json"], $$"""{"width": 64, "height": 48, "cfa": "RGGB", "black": {{black}}, "white": 15520, "camera": "Nikon D750"}""");
    }
}
