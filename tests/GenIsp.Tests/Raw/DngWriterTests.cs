using CsCheck;
using GenIsp.Geometry;
using GenIsp.Raw;

namespace GenIsp.Tests.Raw;

public sealed class DngWriterTests : IDisposable
{
    // A matrix's fractions have six decimals, and LibRaw keeps them in float32.
    private const double MatrixTolerance = 1e-6;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void LibRaw_reads_back_what_was_written()
    {
        var gen = from cfa in Gen.Int[0, 3].Select(i => BayerPattern.All[i])
                  from width in Gen.Int[22, 90] // LibRaw takes nothing smaller for a picture
                  from height in Gen.Int[22, 60]
                  from bits in Gen.Int[10, 16]
                  from orientation in Gen.Int[1, 8]
                  from seed in Gen.Int
                  select (cfa, width, height, bits, orientation, seed);
        gen.Sample(c => RoundTrip(RandomImage(c.cfa, c.width, c.height, c.bits, (Orientation)c.orientation, c.seed)), iter: 150);
    }

    [Theory]
    [InlineData("Sony", "DSC-RX100M7", true)]
    [InlineData("NIKON CORPORATION", "NIKON D750", true)]
    [InlineData("GenIsp", "simulated Sony DSC-RX100M7", false)]
    [InlineData("GenIsp", "simulated Nikon D750", false)]
    public void LibRaw_replaces_the_matrix_of_a_camera_that_it_knows_by_name_and_no_other(string make, string model, bool replaced)
    {
        var image = RandomImage(BayerPattern.Gbrg, 64, 48, 14, Orientation.Upright, 5);

        var read = WriteAndRead(With(image, new CaptureInfo(make, model, null, null)));

        (Math.Abs(read.XyzToCamera!.Value.M11 - image.XyzToCamera!.Value.M11) > MatrixTolerance).ShouldBe(replaced);
        read.Levels.ShouldBe(image.Levels);
    }

    [Fact]
    public void A_picture_without_names_or_white_balance_has_none_afterwards()
    {
        var image = RandomImage(BayerPattern.Rggb, 40, 30, 14, Orientation.Upright, 1);
        var bare = new SensorImage("bare", image.Width, image.Height, image.Mosaic.ToArray(), image.Cfa, image.Levels)
        {
            XyzToCamera = image.XyzToCamera,
        };

        var read = WriteAndRead(bare);

        read.Mosaic.Span.SequenceEqual(bare.Mosaic.Span).ShouldBeTrue();
        read.AsShot.ShouldBeNull();
        read.Capture.Iso.ShouldBeNull();
        read.Capture.ExposureSeconds.ShouldBeNull();
    }

    [Theory]
    [InlineData(100, 1 / 8000.0)]
    [InlineData(6400, 0.04)]
    [InlineData(51200, 30)]
    public void Speed_and_exposure_come_back(double iso, double seconds)
    {
        var image = RandomImage(BayerPattern.Rggb, 40, 30, 14, Orientation.Upright, 2);

        var read = WriteAndRead(With(image, new CaptureInfo("Lantern", "Mk 1", iso, seconds)));

        read.Capture.Make.ShouldBe("Lantern");
        read.Capture.Model.ShouldBe("Mk 1");
        read.Capture.Iso.ShouldBe(iso);
        read.Capture.ExposureSeconds!.Value.ShouldBe(seconds, 1e-6 * seconds); // float32
    }

    [Fact]
    public void The_same_image_gives_the_same_bytes()
    {
        var image = RandomImage(BayerPattern.Grbg, 51, 33, 14, Orientation.Rotate90, 3);
        DngWriter.Write(_folder["one.dng"], image);
        DngWriter.Write(_folder["two.dng"], image);

        File.ReadAllBytes(_folder["two.dng"]).ShouldBe(File.ReadAllBytes(_folder["one.dng"]));
        Directory.GetFiles(_folder.Root).Length.ShouldBe(2); // and nothing unfinished lies about
    }

    [Fact]
    public void What_a_DNG_can_not_hold_is_refused_and_leaves_no_file()
    {
        var good = RandomImage(BayerPattern.Rggb, 40, 30, 14, Orientation.Upright, 4);
        SensorImage Image(SensorLevels levels, Matrix3? matrix, WhiteBalance? white) =>
            new("night.raw", good.Width, good.Height, good.Mosaic.ToArray(), good.Cfa, levels) { XyzToCamera = matrix, AsShot = white };
        void Refused(SensorImage image, string why) =>
            Should.Throw<GenIspException>(() => DngWriter.Write(_folder["x.dng"], image)).Message.ShouldContain(why);

        Refused(Image(good.Levels, null, null), "colour matrix");
        Refused(Image(good.Levels, Matrix3.Diagonal(new Vector3(double.NaN, 1, 1)), null), "colour matrix");
        Refused(Image(new SensorLevels(-3, 1000), good.XyzToCamera, null), "levels");
        Refused(Image(new SensorLevels(3, 70000), good.XyzToCamera, null), "levels");
        Refused(Image(good.Levels, good.XyzToCamera, new WhiteBalance(0, 1)), "white balance");
        Directory.GetFiles(_folder.Root).ShouldBeEmpty();
    }

    private void RoundTrip(SensorImage image)
    {
        var read = WriteAndRead(image);
        (read.Width, read.Height).ShouldBe((image.Width, image.Height));
        read.Mosaic.Span.SequenceEqual(image.Mosaic.Span).ShouldBeTrue();
        read.Cfa.ShouldBe(image.Cfa);
        read.Levels.ShouldBe(image.Levels);
        read.Orientation.ShouldBe(image.Orientation);
        static IEnumerable<double> Numbers(SensorImage of) => of.XyzToCamera!.Value.ToRows().SelectMany(row => row);
        foreach (var (value, expected) in Numbers(read).Zip(Numbers(image)))
            value.ShouldBe(expected, MatrixTolerance);
        // The file holds the inverse of a gain with six decimals.
        read.AsShot!.Value.Red.ShouldBe(image.AsShot!.Value.Red, 1e-5);
        read.AsShot!.Value.Blue.ShouldBe(image.AsShot!.Value.Blue, 1e-5);
    }

    private SensorImage WriteAndRead(SensorImage image)
    {
        // CsCheck runs cases side by side.
        var path = _folder[$"{Guid.NewGuid():N}.dng"];
        DngWriter.Write(path, image);
        return RawReader.Read(path);
    }

    private static SensorImage With(SensorImage image, CaptureInfo capture) =>
        new(image.Source, image.Width, image.Height, image.Mosaic.ToArray(), image.Cfa, image.Levels)
        {
            XyzToCamera = image.XyzToCamera,
            AsShot = image.AsShot,
            Orientation = image.Orientation,
            Capture = capture,
        };

    private static SensorImage RandomImage(BayerPattern cfa, int width, int height, int bits, Orientation orientation, int seed)
    {
        var random = new Random(seed);
        var mosaic = new ushort[width * height];
        for (var i = 0; i < mosaic.Length; i++)
            mosaic[i] = (ushort)random.Next(1 << bits);
        int Black() => random.Next(1 << (bits - 3));
        var levels = new SensorLevels(Black(), Black(), Black(), Black(), random.Next(1 << (bits - 1), 1 << bits));
        double Near(double value) => value + random.NextDouble() * 0.4 - 0.2;
        return new SensorImage($"random {seed}", width, height, mosaic, cfa, levels)
        {
            XyzToCamera = new Matrix3(Near(1), Near(-0.4), Near(-0.1), Near(-0.5), Near(1.2), Near(0.2), Near(-0.1), Near(0.2), Near(0.7)),
            AsShot = new WhiteBalance(0.5 + 2 * random.NextDouble(), 0.5 + 2 * random.NextDouble()),
            Orientation = orientation,
            Capture = new CaptureInfo("Lantern", "Mk 1", 800, 0.04),
        };
    }
}
