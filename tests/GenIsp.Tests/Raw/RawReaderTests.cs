using GenIsp.Color;
using GenIsp.Geometry;
using GenIsp.Raw;

namespace GenIsp.Tests.Raw;

// The files come from tests/reference/dng.py; pixel (x, y) of the stored mosaic is 1000 + 10·y + x.
public sealed class RawReaderTests
{
    [Fact]
    public void A_DNG_says_everything_about_its_pixels()
    {
        var image = Read("plain");

        (image.Width, image.Height).ShouldBe((64, 48));
        image.Cfa.ShouldBe(BayerPattern.Rggb);
        image.Levels.ShouldBe(new SensorLevels(600, 15520));
        image.Capture.Make.ShouldBe("Lantern");
        image.Capture.Model.ShouldBe("Mk 1");
        image.Capture.Iso.ShouldBe(6400);
        image.Capture.ExposureSeconds!.Value.ShouldBe(0.04, 1e-6);
        image.AsShot!.Value.Red.ShouldBe(2, 1e-6);
        image.AsShot!.Value.Blue.ShouldBe(1.25, 1e-6);
        image.Orientation.ShouldBe(Orientation.Upright);
        image.Mosaic.Span[0].ShouldBe((ushort)1000);
        image.Mosaic.Span[7 * 64 + 5].ShouldBe((ushort)1075);
    }

    [Fact]
    public void Of_two_matrices_the_one_for_daylight_is_taken() =>
        ShouldBeNear(Read("plain").XyzToCamera!.Value, KnownCameras.Find("Nikon D750")!.XyzToCamera);

    [Fact]
    public void The_only_matrix_is_taken_whatever_its_light() =>
        ShouldBeNear(Read("first_matrix_only").XyzToCamera!.Value, new Matrix3(1.1, -0.5, 0.05, -0.4, 1.3, 0.1, 0, 0.1, 0.5));

    [Fact]
    public void Margins_are_cut_away_and_the_pattern_is_that_of_the_active_area()
    {
        var image = Read("margins");

        (image.Width, image.Height).ShouldBe((54, 40));
        image.Cfa.ShouldBe(BayerPattern.Gbrg);
        image.Mosaic.Span[0].ShouldBe((ushort)1046);
        image.Mosaic.Span[^1].ShouldBe((ushort)(1000 + 10 * 43 + 59));
    }

    [Fact]
    public void A_black_level_for_each_colour_of_the_cell_is_kept_apart() =>
        Read("black2x2").Levels.ShouldBe(new SensorLevels(600, 610, 620, 630, 15520));

    [Fact]
    public void A_black_level_that_repeats_over_several_cells_is_evened_out_in_the_pixels()
    {
        var (even, plain) = (Read("black4x4"), Read("plain"));

        // Pattern 600 + 4·(y mod 4) + x mod 4: the highest of each colour is in the cell at (2, 2).
        even.Levels.ShouldBe(new SensorLevels(610, 611, 614, 615, 15520));
        for (var y = 0; y < 8; y++)
        {
            for (var x = 0; x < 8; x++)
            {
                var light = plain.Mosaic.Span[y * 64 + x] - (600 + 4 * (y % 4) + x % 4);
                (even.Mosaic.Span[y * 64 + x] - even.Levels.Black(even.Cfa.ColorAt(x, y))).ShouldBe(light);
            }
        }
    }

    [Fact]
    public void A_file_without_matrix_or_white_balance_says_so()
    {
        Read("no_matrix").XyzToCamera.ShouldBeNull();
        Read("no_white_balance").AsShot.ShouldBeNull();
    }

    [Theory]
    [InlineData("truncated", "cut short")]
    [InlineData("xtrans", "X-Trans")]
    [InlineData("linear", "no mosaic (LinearRaw")]
    [InlineData("white_below_black", "the white level (500) is not above the black level (600)")]
    [InlineData("absurd_size", "more memory than LibRaw allows")]
    public void What_can_not_be_used_is_refused_with_its_reason(string name, string reason)
    {
        var error = Should.Throw<GenIspException>(() => Read(name));

        error.Message.ShouldContain($"{name}.dng");
        error.Message.ShouldContain(reason);
    }

    [Theory]
    [InlineData("no_matrix", "has no colour matrix for Lantern Mk 1")]
    [InlineData("singular_matrix", "the colour matrix of Lantern Mk 1 is zero or singular")]
    public void A_useless_matrix_is_refused_when_XYZ_is_asked_for(string name, string reason) =>
        Should.Throw<GenIspException>(() => LinearPipeline.ToLinear(Read(name), new LinearOptions())).Message.ShouldContain(reason);

    [Theory]
    [InlineData("empty.dng", "", "is empty")]
    [InlineData("words.nef", "no photo at all", "no RAW file")]
    public void A_file_that_is_no_photo_is_refused(string name, string content, string reason)
    {
        var path = Path.Combine(Directory.CreateTempSubdirectory().FullName, name);
        File.WriteAllText(path, content);

        var error = Should.Throw<GenIspException>(() => RawReader.Read(path));

        error.Message.ShouldContain(name);
        error.Message.ShouldContain(reason);
    }

    [Theory]
    [InlineData(true, true, 0x94949494, "Foveon")]
    [InlineData(false, true, 9, "X-Trans")]
    [InlineData(false, false, 0x94949494, "LinearRaw")]
    [InlineData(false, true, 0, "monochrome")]
    [InlineData(false, true, 0x94949494, null)]
    public void Sensors_without_a_Bayer_mosaic_are_told_apart(bool isFoveon, bool hasMosaic, uint filters, string? kind)
    {
        if (kind is null)
            RawReader.OtherSensor(isFoveon, hasMosaic, filters).ShouldBeNull();
        else
            RawReader.OtherSensor(isFoveon, hasMosaic, filters)!.ShouldContain(kind);
    }

    [Fact]
    public void A_headerless_file_is_never_taken_for_a_camera_by_its_size()
    {
        // LibRaw knows a camera whose files have just this size.
        var path = Path.Combine(Directory.CreateTempSubdirectory().FullName, "frame.raw");
        File.WriteAllBytes(path, new byte[786432]);

        Should.Throw<GenIspException>(() => RawReader.Read(path)).Message.ShouldContain("frame.raw.json must describe it");
    }

    [Theory]
    [InlineData("turned", Orientation.Rotate90)]
    [InlineData("turned_180", Orientation.Rotate180)]
    [InlineData("turned_270", Orientation.Rotate270)]
    [InlineData("mirrored", Orientation.MirrorHorizontal)]
    public void Every_orientation_is_understood(string name, Orientation orientation) => Read(name).Orientation.ShouldBe(orientation);

    [Fact]
    public void Every_error_of_LibRaw_has_its_own_words()
    {
        int[] codes = [-1, -2, -3, -4, -5, -6, -7, -8, -9, -100007, -100008, -100009, -100010, -100011, -100012, -100013];

        codes.Select(LibRaw.Words).Distinct().Count().ShouldBe(codes.Length);
        codes.ShouldAllBe(code => !LibRaw.Words(code).Contains("unknown error"));
        LibRaw.Words(-77).ShouldContain("-77");
    }

    [Fact]
    public void Only_versions_of_LibRaw_with_a_known_layout_are_used()
    {
        foreach (var minor in new[] { 20, 21, 22 })
            LibRawLayout.For(minor).ShouldNotBeNull();
        LibRawLayout.For(19).ShouldBeNull();
        LibRawLayout.For(23).ShouldBeNull();
    }

    [Fact]
    public void A_missing_file_is_named() =>
        Should.Throw<GenIspException>(() => RawReader.Read("nowhere.arw")).Message.ShouldBe("nowhere.arw does not exist.");

    [Fact]
    public void A_damaged_file_never_brings_the_program_down()
    {
        var whole = File.ReadAllBytes(Fixture("plain"));
        var path = Path.Combine(Directory.CreateTempSubdirectory().FullName, "damaged.dng");
        var random = new Random(1);
        for (var round = 0; round < 200; round++)
        {
            var damaged = whole.ToArray();
            for (var i = 0; i < 3; i++)
                damaged[random.Next(500)] = (byte)random.Next(256); // the header, where the lengths are
            File.WriteAllBytes(path, damaged);
            try
            {
                RawReader.Read(path);
            }
            catch (GenIspException)
            {
            }
        }
    }

    [Fact]
    public void A_missing_LibRaw_is_said_with_the_command_that_installs_it() =>
        Should.Throw<GenIspException>(() => new LibRaw(["libraw_that_is_not_there.so"])).Message
            .ShouldContain(OperatingSystem.IsLinux() ? "apt-get install libraw" : "LibRaw");

    [Theory]
    [InlineData("CanonEOS6D_lossy_linearraw.dng")]
    [InlineData("exiftool_Nikon_truncated.nef")]
    [InlineData("sony-zv-e10_first100000bytes.arw")]
    public void Real_files_that_can_not_be_used_are_refused(string name)
    {
        var path = SharedData.Path("raw-refused/" + name);

        Should.Throw<GenIspException>(() => RawReader.Read(path)).Message.ShouldContain(name);
    }

    [Fact]
    public void Real_cameras_are_read()
    {
        var blackmagic = RawReader.Read(SharedData.Path("raw/Blackmagic_BMPCC4K.dng"));
        var canon = RawReader.Read(SharedData.Path("raw/colorchart_CanonKissX4_MLV.dng"));

        (blackmagic.Width, blackmagic.Height, blackmagic.Capture.Model).ShouldBe((4128, 2176, "Pocket Cinema Camera 4K"));
        (canon.Width, canon.Height, canon.Capture.Model).ShouldBe((1734, 1156, "EOS Kiss X4"));
        canon.Levels.ShouldBe(new SensorLevels(2056, 15000));
        blackmagic.XyzToCamera!.Value.M11.ShouldBe(0.68795, 1e-5); // for D65, not .94953 for tungsten
    }

    private static string Fixture(string name) => Path.Combine(AppContext.BaseDirectory, "Fixtures", "raw", name + ".dng");

    private static SensorImage Read(string name) => RawReader.Read(Fixture(name));

    private static void ShouldBeNear(Matrix3 found, Matrix3 expected)
    {
        foreach (var (a, b) in found.ToRows().SelectMany(row => row).Zip(expected.ToRows().SelectMany(row => row)))
            a.ShouldBe(b, 1e-6);
    }
}
