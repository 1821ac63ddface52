using System.Text.Json;
using CsCheck;
using GenIsp.Color;
using GenIsp.Geometry;
using GenIsp.Raw;

namespace GenIsp.Tests.Color;

public sealed class LinearPipelineTests
{
    // Float32 against float64 at values below 2: half a dozen roundings of 1e-7.
    private const float Tolerance = 2e-6f;

    private static readonly Matrix3 Sony = KnownCameras.Find("Sony RX100 VII")!.XyzToCamera;

    public static TheoryData<int> ReferenceCases => [.. Enumerable.Range(0, 32)];

    [Theory]
    [MemberData(nameof(ReferenceCases))]
    public void Equals_PyTorch_for_every_Bayer_order_size_and_direction(int index)
    {
        using var fixture = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Fixtures", "color.json")));
        var black = fixture.RootElement.GetProperty("black").EnumerateArray().Select(value => value.GetDouble()).ToArray();
        var @case = fixture.RootElement.GetProperty("cases")[index];
        var (width, height) = (@case.GetProperty("width").GetInt32(), @case.GetProperty("height").GetInt32());
        var mosaic = new ushort[width * height];
        for (var i = 0; i < mosaic.Length; i++)
        {
            var (y, x) = Math.DivRem(i, width);
            mosaic[i] = (ushort)((x * x * 37 + y * y * 91 + x * y * 13) * 7 % 16384);
        }
        var levels = new SensorLevels(black[0], black[1], black[2], black[3], fixture.RootElement.GetProperty("white").GetDouble());
        var cfa = BayerPattern.Parse(@case.GetProperty("cfa").GetString()!)!.Value;
        var sensor = new SensorImage("formula", width, height, mosaic, cfa, levels)
        {
            XyzToCamera = Sony,
        };
        var size = (Width: @case.GetProperty("size")[0].GetInt32(), Height: @case.GetProperty("size")[1].GetInt32());

        var transform = ColorSpaceTransform.For(sensor, Enum.Parse<CstDirection>(@case.GetProperty("cst").GetString()!, ignoreCase: true));
        var pixels = MosaicResampler.Resample(
            sensor, new CropArea(0, 0, width, height), size, SensorToColor.From(levels, transform),
            @case.GetProperty("antialias").GetBoolean());

        var expected = @case.GetProperty("pixels").EnumerateArray().Select(value => value.GetSingle()).ToArray();
        pixels.Length.ShouldBe(expected.Length);
        for (var i = 0; i < expected.Length; i++)
            pixels[i].ShouldBe(expected[i], Tolerance, $"value {i}");
    }

    [Fact]
    public void One_pass_equals_the_steps_one_by_one_on_random_mosaics()
    {
        var gen = from cfa in Gen.Int[0, 3].Select(i => BayerPattern.All[i])
                  from width in Gen.Int[2, 90]
                  from height in Gen.Int[2, 40]
                  from outWidth in Gen.Int[1, 60]
                  from outHeight in Gen.Int[1, 30]
                  from seed in Gen.Int
                  select (cfa, width, height, outWidth, outHeight, seed);
        gen.Sample(
            c =>
            {
                var random = new Random(c.seed);
                var mosaic = new ushort[c.width * c.height];
                for (var i = 0; i < mosaic.Length; i++)
                    mosaic[i] = (ushort)random.Next(0, 17000);
                var levels = new SensorLevels(random.Next(900), random.Next(900), random.Next(900), random.Next(900), 16300);
                var sensor = new SensorImage("random", c.width, c.height, mosaic, c.cfa, levels) { XyzToCamera = Sony };
                var crop = new CropArea(0, 0, c.width, c.height);

                var pixels = MosaicResampler.Resample(
                    sensor, crop, (c.outWidth, c.outHeight), SensorToColor.From(levels, Sony.Inverse()), antialias: false);

                var expected = StepByStep(sensor, (c.outWidth, c.outHeight));
                for (var i = 0; i < expected.Length; i++)
                {
                    if (Math.Abs(pixels[i] - expected[i]) > 2e-5) // the taps' float32 positions, as in PyTorch, cost up to 1e-5
                        return false;
                }
                return true;
            },
            iter: 200);
    }

    [Fact]
    public void Averaging_takes_noise_away_and_keeps_the_mean()
    {
        var random = new Random(1);
        var mosaic = Enumerable.Range(0, 400 * 400).Select(_ => (ushort)random.Next(0, 1000)).ToArray();
        var sensor = new SensorImage("noise", 400, 400, mosaic, BayerPattern.Rggb, new SensorLevels(0, 1000));
        float[] Green(bool antialias) =>
            [.. LinearPipeline.ToLinear(sensor, new LinearOptions { Cst = CstDirection.None, MaxSize = new(50, 50), Antialias = antialias })
                .Pixels.Span.Slice(50 * 50, 50 * 50)];
        static double Deviation(float[] values) => Math.Sqrt(values.Average(v => Math.Pow(v - values.Average(), 2)));

        var (sampled, averaged) = (Green(false), Green(true));

        averaged.Average().ShouldBe(sampled.Average(), 0.02);
        // A triangle over 8 samples an axis against the mean of 2: √(2/3 / 4) an axis against √(1/2), so a third.
        Deviation(averaged).ShouldBeLessThan(0.4 * Deviation(sampled));
    }

    [Fact]
    public void White_light_of_D65_becomes_camera_RGB_and_comes_back()
    {
        var white = new Vector3(0.95047, 1, 1.08883);

        var camera = Sony * white;
        var back = Sony.Inverse() * camera;

        ShouldBeNear(camera, new Vector3(0.4394, 1.0691, 0.7369), 6e-5);
        ShouldBeNear(back, white, 1e-12);
    }

    [Theory]
    [InlineData("Sony RX100 VII", 1.1578, 0.3962, 0.0247, 0.4363, 0.9738, -0.3159, 0.0299, -0.2011, 1.7515)]
    [InlineData("Nikon D750", 1.2562, 0.2871, 0.0316, 0.4499, 0.9502, -0.2695, 0.0438, -0.2195, 1.4884)]
    public void The_inverse_of_the_cameras_matrices_is_the_published_one(string camera, params double[] expected)
    {
        var inverse = KnownCameras.Find(camera)!.XyzToCamera.Inverse().ToRows().SelectMany(row => row).ToArray();

        for (var i = 0; i < 9; i++)
            inverse[i].ShouldBe(expected[i], 6e-5);
    }

    [Theory]
    [InlineData(5496, 3672, 5472, 3648, 12, 12)]
    [InlineData(3968, 2640, 3936, 2624, 16, 8)]
    [InlineData(10, 10, 4, 6, 2, 2)] // (10 − 4) / 2 = 3 is odd: the pattern would shift
    public void The_crop_is_central_and_keeps_the_pattern(int width, int height, int cropWidth, int cropHeight, int x, int y)
    {
        var sensor = new SensorImage("flat", width, height, new ushort[width * height], BayerPattern.Rggb, new SensorLevels(0, 100));

        LinearPipeline.CentralCrop(sensor.Shape, (cropWidth, cropHeight)).ShouldBe(new CropArea(x, y, cropWidth, cropHeight));
    }

    [Theory]
    [InlineData(2736, 1824)] // Sony's packed frame
    [InlineData(1968, 1312)] // Nikon's
    [InlineData(1824, 2736, 800, 1200)]
    public void Both_cameras_of_RAW_NOD_come_out_at_1200_by_800(int width, int height, int outWidth = 1200, int outHeight = 800) =>
        SizeLimit.Detection.Fit(width, height).ShouldBe((outWidth, outHeight));

    [Fact]
    public void A_crop_larger_than_the_mosaic_is_refused()
    {
        var sensor = Flat(4, 4);
        Should.Throw<GenIspException>(() => LinearPipeline.ToLinear(sensor, new LinearOptions { Crop = (6, 4) }))
            .Message.ShouldContain("6×4 can't be cropped");
    }

    [Fact]
    public void A_missing_or_singular_matrix_is_refused_unless_the_step_is_left_out()
    {
        var missing = new SensorImage("a.raw", 4, 4, new ushort[16], BayerPattern.Rggb, new SensorLevels(0, 100));
        var singular = new SensorImage("b.raw", 4, 4, new ushort[16], BayerPattern.Rggb, new SensorLevels(0, 100))
        {
            XyzToCamera = new Matrix3(1, 2, 3, 2, 4, 6, 0, 0, 1),
        };

        Should.Throw<GenIspException>(() => LinearPipeline.ToLinear(missing, new LinearOptions()))
            .Message.ShouldContain("no colour matrix");
        Should.Throw<GenIspException>(() => LinearPipeline.ToLinear(singular, new LinearOptions()))
            .Message.ShouldContain("singular");
        Should.NotThrow(() => LinearPipeline.ToLinear(missing, new LinearOptions { Cst = CstDirection.None }));
    }

    [Fact]
    public void White_not_above_black_is_refused() =>
        Should.Throw<GenIspException>(() =>
            new SensorImage("c.raw", 2, 2, new ushort[4], BayerPattern.Rggb, new SensorLevels(100, 100, 512, 100, 512)))
            .Message.ShouldContain("white level (512) is not above the black level (512)");

    [Fact]
    public void A_turned_picture_is_upright_and_its_boxes_lie_in_the_upright_frame()
    {
        // One bright cell at the top right of the stored mosaic, turned clockwise: it ends at the bottom right.
        var mosaic = new ushort[8 * 4];
        foreach (var (x, y) in new[] { (6, 0), (7, 0), (6, 1), (7, 1) })
            mosaic[y * 8 + x] = 100;
        var sensor = new SensorImage("turned", 8, 4, mosaic, BayerPattern.Rggb, new SensorLevels(0, 100))
        {
            Orientation = Orientation.Rotate90,
        };

        var image = LinearPipeline.ToLinear(sensor, new LinearOptions { Cst = CstDirection.None, MaxSize = null });

        (image.Width, image.Height).ShouldBe((2, 4));
        image.Pixels.Span.IndexOf(1f).ShouldBe(3 * 2 + 1);
        image.Frame.ToSource(new Box(1, 3, 2, 4)).ShouldBe(new Box(2, 6, 4, 8));
    }

    private static void ShouldBeNear(Vector3 found, Vector3 expected, double tolerance)
    {
        found.X.ShouldBe(expected.X, tolerance);
        found.Y.ShouldBe(expected.Y, tolerance);
        found.Z.ShouldBe(expected.Z, tolerance);
    }

    private static SensorImage Flat(int width, int height) =>
        new("flat", width, height, new ushort[width * height], BayerPattern.Rggb, new SensorLevels(0, 100)) { XyzToCamera = Sony };

    // The plain path, in double: levels, saturate, pack, average greens, CST, bilinear.
    private static double[] StepByStep(SensorImage sensor, (int Width, int Height) size)
    {
        var (w, h) = (sensor.Width / 2, sensor.Height / 2);
        var inverse = Sony.Inverse();
        Vector3 At(int x, int y)
        {
            double red = 0, green = 0, blue = 0;
            foreach (var (dx, dy) in new[] { (0, 0), (1, 0), (0, 1), (1, 1) })
            {
                var color = sensor.Cfa.ColorAt(dx, dy);
                var black = sensor.Levels.Black(color);
                var raw = sensor.Mosaic.Span[(2 * y + dy) * sensor.Width + 2 * x + dx];
                var value = Math.Min(1, (raw - black) / (sensor.Levels.White - black));
                (red, green, blue) = color switch
                {
                    CfaColor.R => (value, green, blue),
                    CfaColor.B => (red, green, value),
                    _ => (red, green + value / 2, blue),
                };
            }
            return inverse * new Vector3(red, green, blue);
        }
        var result = new double[3 * size.Width * size.Height];
        for (var i = 0; i < size.Width * size.Height; i++)
        {
            var (y, x) = Math.DivRem(i, size.Width);
            var (sx, sy) = (Math.Max(0, (x + 0.5) * w / size.Width - 0.5), Math.Max(0, (y + 0.5) * h / size.Height - 0.5));
            var (x0, y0) = ((int)sx, (int)sy);
            var (x1, y1) = (Math.Min(x0 + 1, w - 1), Math.Min(y0 + 1, h - 1));
            var (fx, fy) = (sx - x0, sy - y0);
            double Mix(Func<Vector3, double> channel) =>
                (channel(At(x0, y0)) * (1 - fx) + channel(At(x1, y0)) * fx) * (1 - fy)
                + (channel(At(x0, y1)) * (1 - fx) + channel(At(x1, y1)) * fx) * fy;
            result[i] = Mix(v => v.X);
            result[size.Width * size.Height + i] = Mix(v => v.Y);
            result[2 * size.Width * size.Height + i] = Mix(v => v.Z);
        }
        return result;
    }
}
