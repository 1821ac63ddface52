using GenIsp.Color;
using GenIsp.Data;
using GenIsp.Geometry;
using GenIsp.Imaging;
using GenIsp.Isp;
using GenIsp.Raw;

namespace GenIsp.Tests.Isp;

public sealed class ClassicalIspTests
{
    private static readonly Matrix3 Sony = KnownCameras.Find("Sony RX100 VII")!.XyzToCamera;

    // What the camera sees of a neutral surface under tungsten light, at full exposure.
    private static readonly Vector3 Neutral = Sony * new Vector3(1.0985, 1, 0.3558);

    [Fact]
    public void With_the_cameras_white_balance_a_neutral_ramp_is_gray_under_any_light()
    {
        var picture = Develop(Ramp(), new ClassicalOptions { WhiteBalance = WhiteBalanceSource.AsShot });

        foreach (var (r, g, b) in Pixels(picture))
        {
            r.ShouldBe(g, 0.01f); // the mosaic has 14 bits
            b.ShouldBe(g, 0.01f);
        }
    }

    [Fact]
    public void Gray_world_finds_the_same_gray_without_the_camera()
    {
        var camera = Develop(Ramp(), new ClassicalOptions { WhiteBalance = WhiteBalanceSource.AsShot });
        var grayWorld = Develop(Ramp(), new ClassicalOptions { WhiteBalance = WhiteBalanceSource.GrayWorld });

        foreach (var (a, b) in camera.Pixels.ToArray().Zip(grayWorld.Pixels.ToArray()))
            b.ShouldBe(a, 0.02f);
    }

    [Fact]
    public void A_file_without_white_balance_falls_back_on_gray_world() =>
        Develop(Ramp(asShot: false), new ClassicalOptions()).Pixels.ToArray()
            .ShouldBe(Develop(Ramp(), new ClassicalOptions { WhiteBalance = WhiteBalanceSource.GrayWorld }).Pixels.ToArray());

    [Fact]
    public void Exposure_brings_the_percentile_to_white_however_dark_the_picture()
    {
        var bright = Develop(Ramp(exposure: 0.2), new ClassicalOptions { Percentile = 100 });
        var dark = Develop(Ramp(exposure: 0.04), new ClassicalOptions { Percentile = 100 });

        bright.Pixels.ToArray().Max().ShouldBe(1, 0.01f);
        foreach (var (a, b) in bright.Pixels.ToArray().Zip(dark.Pixels.ToArray()))
            b.ShouldBe(a, 0.03f);
    }

    [Fact]
    public void Saturated_light_clips_to_white_not_to_the_colour_of_the_gains()
    {
        var mosaic = new ushort[64 * 8];
        Array.Fill(mosaic, (ushort)16383);
        var image = new SensorImage("lamp", 64, 8, mosaic, BayerPattern.Rggb, new SensorLevels(800, 16300))
        {
            XyzToCamera = Sony,
            AsShot = new WhiteBalance(2.2, 1.6),
        };

        Develop(image, new ClassicalOptions()).Pixels.ToArray().ShouldAllBe(value => value > 0.999f);
    }

    [Fact]
    public void A_black_picture_stays_finite()
    {
        var image = new SensorImage("night", 8, 8, new ushort[64], BayerPattern.Rggb, new SensorLevels(0, 100)) { XyzToCamera = Sony };

        Develop(image, new ClassicalOptions()).Pixels.ToArray().ShouldAllBe(value => value == 0);
    }

    [Fact]
    public void Noise_is_filtered_only_if_asked_for()
    {
        var random = new RandomSource(1);
        var mosaic = Enumerable.Range(0, 64 * 64).Select(_ => (ushort)(4000 + 300 * random.NextNormal())).ToArray();
        var image = new SensorImage("wall", 64, 64, mosaic, BayerPattern.Rggb, new SensorLevels(800, 16300)) { XyzToCamera = Sony };

        var plain = Develop(image, new ClassicalOptions());
        var filtered = Develop(image, new ClassicalOptions { Denoise = Denoising.Bilateral });

        Develop(image, new ClassicalOptions { Denoise = Denoising.None }).Pixels.ToArray().ShouldBe(plain.Pixels.ToArray());
        filtered.Pixels.ToArray().ShouldAllBe(value => value >= 0 && value <= 1);
        Spread(filtered).ShouldBeLessThan(Spread(plain) / 2);

        static double Spread(RgbImage picture)
        {
            var values = picture.Pixels.ToArray();
            var mean = values.Average();
            return Math.Sqrt(values.Average(value => Math.Pow(value - mean, 2)));
        }
    }

    [Fact]
    public void Linear_is_only_the_matrix_to_sRGB()
    {
        using var isp = new LinearIsp();
        var image = new LinearImage("white", [0.95047f, 1, 1.08883f], new Frame(1, 1), CstDirection.Inverse, null, new Vector3(1, 1, 1));

        var rgb = isp.Develop(image).Pixels.ToArray();

        rgb.ShouldAllBe(value => Math.Abs(value - 1) < 1e-5f); // D65 is sRGB's white
    }

    [Fact]
    public void Colours_in_another_space_are_refused()
    {
        using var isp = new ClassicalIsp();
        var image = new LinearImage("camera.dng", new float[3], new Frame(1, 1), CstDirection.None, null, new Vector3(1, 1, 1));

        Should.Throw<GenIspException>(() => isp.Develop(image))
            .Message.ShouldContain("camera.dng: the ISP classical works on colours with cst inverse");
    }

    private static RgbImage Develop(SensorImage image, ClassicalOptions options)
    {
        using var isp = new ClassicalIsp(options);
        return isp.Develop(LinearPipeline.ToLinear(image, new LinearOptions { MaxSize = null }));
    }

    // 32 grays from dark to bright, each a column of cells.
    private static SensorImage Ramp(double exposure = 0.6, bool asShot = true)
    {
        var levels = new SensorLevels(800, 16300);
        var mosaic = new ushort[64 * 8];
        for (var i = 0; i < mosaic.Length; i++)
        {
            var (y, x) = Math.DivRem(i, 64);
            var light = BayerPattern.Rggb.ColorAt(x, y) switch { CfaColor.R => Neutral.X, CfaColor.B => Neutral.Z, _ => Neutral.Y };
            mosaic[i] = (ushort)Math.Round(800 + (16300 - 800) * exposure * light / Neutral.X * (0.2 + 0.8 * (x / 2) / 31));
        }
        return new SensorImage("ramp", 64, 8, mosaic, BayerPattern.Rggb, levels)
        {
            XyzToCamera = Sony,
            AsShot = asShot ? new WhiteBalance(Neutral.Y / Neutral.X, Neutral.Y / Neutral.Z) : null,
        };
    }

    private static IEnumerable<(float R, float G, float B)> Pixels(RgbImage image)
    {
        var plane = image.Width * image.Height;
        var pixels = image.Pixels.ToArray();
        for (var i = 0; i < plane; i++)
            yield return (pixels[i], pixels[plane + i], pixels[2 * plane + i]);
    }
}
