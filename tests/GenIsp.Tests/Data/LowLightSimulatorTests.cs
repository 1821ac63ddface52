using GenIsp.Color;
using GenIsp.Data;
using GenIsp.Geometry;
using GenIsp.Imaging;
using GenIsp.Raw;

namespace GenIsp.Tests.Data;

public sealed class LowLightSimulatorTests
{
    private static readonly SimulatedCamera Sony = SimulatedCamera.Load("sony-rx100m7");
    private static readonly SimulatedCamera Nikon = SimulatedCamera.Load("nikon-d750");
    private static readonly NightParameters Noiseless = new(1, 0, 0, 1, 1);

    [Theory]
    [InlineData("sony-rx100m7", 1)]
    [InlineData("nikon-d750", 1)]
    [InlineData("nikon-d750", 40)]
    public void Packing_gives_back_the_photo_to_the_quantisation(string name, double darkness)
    {
        var camera = SimulatedCamera.Load(name);
        var photo = RandomPhoto(23, 14, 1);
        foreach (var cfa in BayerPattern.All)
        {
            var sensor = LowLightSimulator.Simulate(photo, camera with { Cfa = cfa }, Noiseless with { Darkness = darkness }, 1);

            (sensor.Width, sensor.Height, sensor.Cfa, sensor.Levels).ShouldBe((46, 28, cfa, camera.Levels));
            var xyz = LinearPipeline.ToLinear(sensor, new LinearOptions { MaxSize = null });
            (xyz.Width, xyz.Height).ShouldBe((photo.Width, photo.Height));
            for (var i = 0; i < photo.Width * photo.Height; i++)
                ShouldBeClose(At(xyz.Pixels.Span, i), LinearXyz(photo, i), camera, darkness);
        }
    }

    [Fact]
    public void Two_cameras_give_the_same_XYZ_of_the_same_photo()
    {
        var photo = RandomPhoto(20, 16, 2);
        LinearImage Develop(SimulatedCamera camera) =>
            LinearPipeline.ToLinear(LowLightSimulator.Simulate(photo, camera, Noiseless, 1), new LinearOptions { MaxSize = null });

        var (sony, nikon) = (Develop(Sony), Develop(Nikon));

        for (var i = 0; i < photo.Width * photo.Height; i++)
        {
            var (a, b) = (At(sony.Pixels.Span, i), At(nikon.Pixels.Span, i));
            // Half a raw unit each, through rows of the inverse matrices whose magnitudes sum to less than 2.
            a.X.ShouldBe(b.X, 1.3e-4);
            a.Y.ShouldBe(b.Y, 1.3e-4);
            a.Z.ShouldBe(b.Z, 1.3e-4);
        }
    }

    [Theory]
    [InlineData(0.9, 10, 1e-3)]
    [InlineData(0.5, 10, 3e-4)]
    [InlineData(0.5, 100, 1e-4)]
    [InlineData(0.1, 30, 3e-3)]
    public void Noise_has_the_mean_and_variance_of_the_model_and_is_white_and_normal(double code, double darkness, double shot)
    {
        const int Side = 192;
        var night = new NightParameters(darkness, shot, Math.Exp(2.18 * Math.Log(shot) + 1.20), 1, 1);
        // A black level high enough that nothing is clipped: what is tested is the noise before the clipping.
        var camera = Sony with { Levels = new SensorLevels(4000, 4100, 4200, 4300, 16000), Bits = 14 };
        var sensor = LowLightSimulator.Simulate(Gray(Side, Side, (float)code), camera, night, 12345);

        var expected = camera.XyzToCamera * Srgb.White;
        for (var place = 0; place < 4; place++)
        {
            var (x0, y0) = (place & 1, place >> 1);
            var color = camera.Cfa.ColorAt(x0, y0);
            var range = camera.Levels.White - camera.Levels.Black(color);
            var signal = Srgb.Decode((float)code) / darkness
                * (color == CfaColor.R ? expected.X : color == CfaColor.B ? expected.Z : expected.Y);
            // Rounding to whole numbers adds 1/12.
            var variance = (shot * signal + night.ReadNoise) * range * range + 1 / 12.0;
            var noise = new double[Side * Side];
            for (var i = 0; i < noise.Length; i++)
            {
                noise[i] = sensor.Mosaic.Span[(2 * (i / Side) + y0) * sensor.Width + 2 * (i % Side) + x0]
                    - (camera.Levels.Black(color) + signal * range);
            }
            ShouldBeWhiteAndNormal(noise, Side, variance);
        }
        // And between the pixels of a cell, the two greens among them.
        var all = new double[4 * Side * Side];
        for (var i = 0; i < all.Length; i++)
        {
            var color = camera.Cfa.ColorAt(i % sensor.Width, i / sensor.Width);
            var range = camera.Levels.White - camera.Levels.Black(color);
            var signal = Srgb.Decode((float)code) / darkness
                * (color == CfaColor.R ? expected.X : color == CfaColor.B ? expected.Z : expected.Y);
            var variance = (shot * signal + night.ReadNoise) * range * range + 1 / 12.0;
            all[i] = (sensor.Mosaic.Span[i] - camera.Levels.Black(color) - signal * range) / Math.Sqrt(variance);
        }
        ShouldBeWhiteAndNormal(all, sensor.Width, 1);
    }

    [Fact]
    public void Noise_below_black_is_kept_and_beyond_the_raw_range_is_clipped()
    {
        var dark = LowLightSimulator.Simulate(Gray(64, 64, 0), Sony, new NightParameters(100, 1e-4, 1e-4, 1, 1), 3);
        var pixels = dark.Mosaic.ToArray();
        pixels.Count(value => value < 800).ShouldBeInRange(16384 / 2 - 500, 16384 / 2 + 200); // symmetric, a few are 800
        pixels.Average(value => (double)value).ShouldBe(800, 5 * 155 / Math.Sqrt(16384));

        var bright = LowLightSimulator.Simulate(Gray(64, 64, 1), Sony, new NightParameters(0.5, 1e-2, 1e-2, 1, 1), 3);
        bright.Mosaic.ToArray().Max().ShouldBe((ushort)16383);
        var noisy = LowLightSimulator.Simulate(Gray(64, 64, 0), Sony, new NightParameters(100, 0, 1, 1, 1), 3);
        noisy.Mosaic.ToArray().Min().ShouldBe((ushort)0);
    }

    [Fact]
    public void The_as_shot_white_balance_makes_gray_under_any_light()
    {
        var sensor = LowLightSimulator.Simulate(Gray(8, 8, 0.7f), Nikon, new NightParameters(2, 0, 0, 1.4, 0.6), 1);
        var camera = At(LinearPipeline.ToLinear(sensor, new LinearOptions { MaxSize = null, Cst = CstDirection.None }).Pixels.Span, 0);

        var (red, blue) = sensor.AsShot!.Value;
        (camera.X * red).ShouldBe(camera.Y, 2e-4); // a raw unit
        (camera.Z * blue).ShouldBe(camera.Y, 2e-4);
        // And the light did change the colours.
        (1 / red).ShouldBe(1.4 * (Nikon.XyzToCamera * Srgb.White).X / (Nikon.XyzToCamera * Srgb.White).Y, 1e-12);
    }

    [Fact]
    public void The_same_seeds_give_the_same_night_on_any_number_of_threads_and_others_another()
    {
        var photo = RandomPhoto(40, 30, 5);
        var night = NightParameters.Draw(new NightOptions(), 17);
        ushort[] Mosaic(ulong seed) => LowLightSimulator.Simulate(photo, Sony, night, seed).Mosaic.ToArray();
        var alone = Mosaic(17);

        var together = new ushort[16][];
        Parallel.For(0, together.Length, i => together[i] = Mosaic(i % 2 == 0 ? 17UL : 18));

        for (var i = 0; i < together.Length; i++)
            together[i].SequenceEqual(alone).ShouldBe(i % 2 == 0);
        NightParameters.Draw(new NightOptions(), 17).ShouldBe(night);
        NightParameters.Draw(new NightOptions(), 18).ShouldNotBe(night);
    }

    [Fact]
    public void The_first_pixels_never_change_between_versions()
    {
        // What is drawn belongs to the seed for good, or resumed data sets would mix two simulators.
        var night = NightParameters.Draw(new NightOptions(), 1);
        night.Darkness.ShouldBe(36.860529977158635, 1e-9);
        LowLightSimulator.Simulate(Gray(2, 1, 0.5f), Sony, night, 1).Mosaic.ToArray()
            .ShouldBe(new ushort[] { 826, 870, 868, 874, 893, 916, 887, 820 });
    }

    [Fact]
    public void Nights_are_drawn_from_the_ranges_as_said()
    {
        const int Count = 4000;
        var options = new NightOptions { Darkness = new LogRange(10, 100), ShotNoise = NightOptions.HardNoise };
        var nights = Enumerable.Range(0, Count).Select(i => NightParameters.Draw(options, Seeds.Derive(3, $"{i}"))).ToArray();

        nights.ShouldAllBe(night => night.Darkness >= 10 && night.Darkness < 100 && night.ShotNoise >= 6e-4 && night.ShotNoise < 6e-3);
        // The mean of a uniform variable of width ln 10, within five of its deviations.
        var spread = 5 * Math.Log(10) / Math.Sqrt(12.0 * Count);
        nights.Average(night => Math.Log(night.Darkness)).ShouldBe(Math.Log(10) * 1.5, spread);
        nights.Average(night => Math.Log(night.ShotNoise)).ShouldBe(Math.Log(6e-4) + Math.Log(10) / 2, spread);
        var readRest = nights.Select(night => Math.Log(night.ReadNoise) - 2.18 * Math.Log(night.ShotNoise) - 1.20).ToArray();
        readRest.Average().ShouldBe(0, 5 * 0.26 / Math.Sqrt(Count));
        Math.Sqrt(readRest.Average(x => x * x)).ShouldBe(0.26, 5 * 0.26 / Math.Sqrt(2.0 * Count));
        // t is uniform in −0.3..0.7: mean 0.2, deviation 1/√12.
        nights.Average(night => Math.Log(night.RedGain)).ShouldBe(0.7 * 0.2, 5 * 0.21 / Math.Sqrt(Count));
        nights.Average(night => Math.Log(night.BlueGain)).ShouldBe(-0.9 * 0.2, 5 * 0.27 / Math.Sqrt(Count));
        nights.Max(night => night.RedGain).ShouldBeInRange(Math.Exp(0.7 * 0.65), Math.Exp(0.7 * 0.7 + 0.25));

        // Without a light of its own, everything else stays as drawn.
        var plain = NightParameters.Draw(options with { Illuminant = false }, Seeds.Derive(3, "0"));
        plain.ShouldBe(nights[0] with { RedGain = 1, BlueGain = 1 });
    }

    [Fact]
    public void A_range_that_is_none_is_refused()
    {
        Should.Throw<ArgumentOutOfRangeException>(() => new LogRange(0, 1));
        Should.Throw<ArgumentOutOfRangeException>(() => new LogRange(2, 1));
        Should.Throw<ArgumentOutOfRangeException>(() => new LogRange(1, double.PositiveInfinity));
        Should.Throw<ArgumentOutOfRangeException>(() => new LogRange(double.NaN, 1));
    }

    private static void ShouldBeWhiteAndNormal(double[] noise, int width, double variance)
    {
        var count = (double)noise.Length;
        var measured = noise.Average(value => value * value);
        noise.Average().ShouldBe(0, 5 * Math.Sqrt(variance / count));
        // Rounding to whole numbers makes a few per mille of the kurtosis of so small a noise, hence the wider bound.
        measured.ShouldBe(variance, 5 * variance * Math.Sqrt(2 / count));
        (noise.Average(value => value * value * value * value) / (measured * measured)).ShouldBe(3, 6 * Math.Sqrt(24 / count));
        foreach (var lag in new[] { 1, 2, 3, width, width + 1, width - 1, 2 * width })
        {
            double sum = 0;
            for (var i = lag; i < noise.Length; i++)
                sum += noise[i] * noise[i - lag];
            (sum / (count * measured)).ShouldBe(0, 5 / Math.Sqrt(count), $"autocorrelation at lag {lag}");
        }
    }

    // A raw unit of rounding in every channel, through the inverse of the matrix; greens are averaged, and float32 adds little.
    private static void ShouldBeClose(Vector3 xyz, Vector3 expected, SimulatedCamera camera, double darkness)
    {
        var step = 0.5 / (camera.Levels.White - camera.Levels.BlackR);
        double Tolerance(double a, double b, double c) => (Math.Abs(a) + Math.Abs(b) + Math.Abs(c)) * step + 1e-6;
        var inverse = camera.XyzToCamera.Inverse();
        xyz.X.ShouldBe(expected.X / darkness, Tolerance(inverse.M11, inverse.M12, inverse.M13));
        xyz.Y.ShouldBe(expected.Y / darkness, Tolerance(inverse.M21, inverse.M22, inverse.M23));
        xyz.Z.ShouldBe(expected.Z / darkness, Tolerance(inverse.M31, inverse.M32, inverse.M33));
    }

    private static Vector3 At(ReadOnlySpan<float> planes, int i)
    {
        var plane = planes.Length / 3;
        return new Vector3(planes[i], planes[plane + i], planes[2 * plane + i]);
    }

    // The curve as IEC 61966-2-1 prints it.
    private static Vector3 LinearXyz(RgbImage photo, int i)
    {
        var code = At(photo.Pixels.Span, i);
        static double Linear(double x) => x <= 0.04045 ? x / 12.92 : Math.Pow((x + 0.055) / 1.055, 2.4);
        return Srgb.ToXyz * new Vector3(Linear(code.X), Linear(code.Y), Linear(code.Z));
    }

    // Up to 0.9: at the photo's own exposure, green saturates at a gray of 0.97.
    private static RgbImage RandomPhoto(int width, int height, int seed)
    {
        var random = new Random(seed);
        return new RgbImage([.. Enumerable.Range(0, 3 * width * height).Select(_ => 0.9f * random.NextSingle())], new Frame(width, height));
    }

    private static RgbImage Gray(int width, int height, float code) =>
        new([.. Enumerable.Repeat(code, 3 * width * height)], new Frame(width, height));
}
