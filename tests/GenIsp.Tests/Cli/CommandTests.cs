using System.Text.Json;
using GenIsp.Cli;
using Spectre.Console.Testing;

namespace GenIsp.Tests.Cli;

/// <summary>The command as a user meets it: words in, files, text and an exit code out.</summary>
public sealed class CommandTests
{
    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;

    [Fact]
    public async Task Info_prints_a_JSON_array_and_nothing_else()
    {
        var run = await Run("info", Fixture("margins"), Fixture("no_matrix"), "--json");

        run.Code.ShouldBe(0);
        var first = JsonDocument.Parse(run.Out).RootElement[0];
        first.GetProperty("file").GetString().ShouldBe(Fixture("margins"));
        first.GetProperty("make").GetString().ShouldBe("Lantern");
        first.GetProperty("model").GetString().ShouldBe("Mk 1");
        first.GetProperty("width").GetInt32().ShouldBe(54);
        first.GetProperty("height").GetInt32().ShouldBe(40);
        first.GetProperty("cfa").GetString().ShouldBe("GBRG");
        first.GetProperty("black").EnumerateArray().Select(value => value.GetDouble()).ShouldBe([600, 600, 600, 600]);
        first.GetProperty("white").GetDouble().ShouldBe(15520);
        first.GetProperty("xyz_to_camera")[0][0].GetDouble().ShouldBe(0.902, 1e-6);
        first.GetProperty("iso").GetDouble().ShouldBe(6400);
        first.GetProperty("exposure_s").GetDouble().ShouldBe(0.04, 1e-6);
        JsonDocument.Parse(run.Out).RootElement[1].GetProperty("xyz_to_camera").ValueKind.ShouldBe(JsonValueKind.Null);
    }

    [Fact]
    public async Task Info_reads_well_without_JSON()
    {
        var run = await Run("info", Fixture("plain"));

        run.Out.ShouldContain("camera          Lantern Mk 1");
        run.Out.ShouldContain("exposure        1/25 s");
    }

    [Fact]
    public async Task One_bad_file_in_a_folder_is_reported_and_the_rest_is_done()
    {
        foreach (var name in new[] { "plain", "truncated", "turned" })
            File.Copy(Fixture(name), Path.Combine(_folder, name + ".dng"));
        File.WriteAllText(Path.Combine(_folder, "notes.txt"), "not a picture, and passed over");
        var output = Path.Combine(_folder, "out");

        var run = await Run("develop", _folder, "-o", output);

        run.Code.ShouldBe(1);
        run.Error.ShouldContain("truncated.dng can't be read");
        run.Error.ShouldContain("1 of 3 files failed");
        Names(output).ShouldBe(["plain.png", "turned.png"]);
    }

    [Theory]
    [InlineData("png", "plain.png")]
    [InlineData("jpeg", "plain.jpg")]
    [InlineData("npy", "plain.npy")]
    public async Task Develop_writes_the_format_that_was_asked_for(string format, string name)
    {
        var run = await Run("develop", Fixture("plain"), "-o", _folder, "--format", format, "--isp", "linear", "--max-size", "full");

        run.Code.ShouldBe(0, run.Error);
        Names(_folder).ShouldBe([name]);
    }

    [Fact]
    public async Task The_array_has_the_size_of_the_picture_upright()
    {
        await Run("develop", Fixture("turned"), "-o", _folder, "--format", "npy", "--max-size", "20x10");

        var header = System.Text.Encoding.Latin1.GetString(File.ReadAllBytes(Path.Combine(_folder, "turned.npy")), 0, 128);
        header.ShouldContain("(3, 13, 10)"); // 64 × 48 turned: at most 10 wide, 13.3 high
    }

    [Fact]
    public async Task Two_inputs_of_one_stem_keep_apart()
    {
        File.Copy(Fixture("plain"), Path.Combine(_folder, "a.dng"));
        GenIsp.Imaging.PictureFile.WriteJpeg(
            Path.Combine(_folder, "a.jpg"), new GenIsp.Imaging.RgbImage(new float[3 * 4 * 4], new GenIsp.Geometry.Frame(4, 4)));
        var output = Path.Combine(_folder, "out");

        (await Run("develop", _folder, "-o", output)).Code.ShouldBe(0);

        Names(output).ShouldBe(["a.dng.png", "a.jpg.png"]);
    }

    [Fact]
    public async Task On_a_screen_a_bar_is_drawn_and_the_bad_file_is_still_named()
    {
        foreach (var name in new[] { "plain", "truncated" })
            File.Copy(Fixture(name), Path.Combine(_folder, name + ".dng"));
        using var screen = new TestConsole().Width(200).Interactive();
        using var output = new StringWriter();

        var code = await CommandLine.RunAsync(
            ["develop", _folder, "-o", Path.Combine(_folder, "out")], new Terminal(output, screen), TestContext.Current.CancellationToken);

        code.ShouldBe(1);
        screen.Output.ShouldContain("truncated.dng can't be read");
        screen.Output.ShouldContain("%");
        Names(Path.Combine(_folder, "out")).ShouldBe(["plain.png"]);
    }

    [Theory]
    [InlineData("png", "The next run", false)]
    [InlineData("jpg", "would be overwritten", true)]
    public async Task What_the_user_gave_is_never_overwritten(string ending, string reason, bool namesTheFile)
    {
        var photo = Path.Combine(_folder, "photo." + ending);
        GenIsp.Imaging.PictureFile.WritePng(photo, new GenIsp.Imaging.RgbImage(new float[3 * 4 * 4], new GenIsp.Geometry.Frame(4, 4)));
        var before = File.ReadAllBytes(photo);

        var run = await Run("develop", namesTheFile ? photo : _folder, "-o", _folder, "--format", ending == "jpg" ? "jpeg" : "png");

        run.Code.ShouldBe(1);
        run.Error.ToLowerInvariant().ShouldContain(reason.ToLowerInvariant());
        File.ReadAllBytes(photo).ShouldBe(before);
        Names(_folder).ShouldBe(["photo." + ending]);
    }

    [Fact]
    public async Task A_RAW_file_and_its_JPEG_keep_apart_in_the_results()
    {
        var onnx = SharedData.Path("weights/yolox_nano.onnx");
        File.Copy(SharedData.Path("coco/val2017/000000000139.jpg"), Path.Combine(_folder, "a.jpg"));
        GenIsp.Imaging.PictureFile.WritePng(
            Path.Combine(_folder, "a.png"), GenIsp.Imaging.PictureFile.Read(SharedData.Path("coco/val2017/000000000139.jpg")));
        var output = Path.Combine(_folder, "out");

        (await Run("detect", _folder, "-d", onnx, "-o", output)).Code.ShouldBe(0);

        var results = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(output, "detections.json"))).RootElement;
        results.EnumerateArray().Select(found => found.GetProperty("image_id").GetString()).Distinct().Order().ShouldBe(["a.jpg", "a.png"]);
    }

    [Fact]
    public async Task Two_numbers_that_are_one_image_id_are_refused()
    {
        var picture = new GenIsp.Imaging.RgbImage(new float[3 * 4 * 4], new GenIsp.Geometry.Frame(4, 4));
        GenIsp.Imaging.PictureFile.WritePng(Path.Combine(_folder, "139.png"), picture);
        GenIsp.Imaging.PictureFile.WritePng(Path.Combine(_folder, "000139.png"), picture);

        var run = await Run("detect", _folder, "-d", "any.onnx", "-o", Path.Combine(_folder, "out"));

        run.Code.ShouldBe(1);
        run.Error.ShouldContain("the image id 139");
    }

    [Fact]
    public async Task Info_passes_over_the_photos_of_a_folder_and_says_so()
    {
        File.Copy(Fixture("plain"), Path.Combine(_folder, "a.dng"));
        File.WriteAllText(Path.Combine(_folder, "a.jpg"), "");

        var run = await Run("info", _folder, "--json");

        run.Code.ShouldBe(0, run.Error);
        JsonDocument.Parse(run.Out).RootElement.GetArrayLength().ShouldBe(1);
        run.Error.ShouldContain("developed already: 1 photo");
    }

    [Fact]
    public async Task A_folder_with_nothing_but_folders_names_them()
    {
        foreach (var name in "fedcba")
            Directory.CreateDirectory(Path.Combine(_folder, $"{name}"));

        var run = await Run("develop", _folder, "-o", Path.Combine(_folder, "out"));

        run.Code.ShouldBe(1);
        run.Error.ShouldContain("Folders inside it are left alone: a, b, c, d, e and 1 more.");
    }

    [Theory]
    [InlineData("file", "is a file")]
    [InlineData("file/out", "can't be written to")] // Whoever runs this, no folder can be made there.
    public async Task An_output_folder_that_can_not_be_is_refused_before_the_work(string output, string reason)
    {
        File.WriteAllText(Path.Combine(_folder, "file"), "");

        var run = await Run("develop", Fixture("plain"), "-o", Path.Combine(_folder, output));

        run.Code.ShouldBe(1);
        run.Error.ShouldContain("The output folder");
        run.Error.ShouldContain(reason);
        run.Error.ShouldNotContain("   at ");
    }

    [Fact]
    public async Task Where_every_file_is_bad_nothing_is_said_to_be_done()
    {
        var output = Path.Combine(_folder, "out");

        var run = await Run("develop", Fixture("truncated"), Fixture("xtrans"), "-o", output);

        run.Code.ShouldBe(1);
        run.Error.ShouldContain("all 2 files failed");
        run.Error.ShouldNotContain("done");
        run.Error.ShouldNotContain("pictures");
        Names(output).ShouldBeEmpty();
    }

    [Fact]
    public async Task Two_links_to_one_file_are_two_inputs()
    {
        if (OperatingSystem.IsWindows())
            Assert.Skip("Windows asks for rights to make links.");
        string[] links = [Path.Combine(_folder, "a.dng"), Path.Combine(_folder, "b.dng")];
        foreach (var link in links)
            File.CreateSymbolicLink(link, Fixture("plain"));
        var output = Path.Combine(_folder, "out");

        (await Run("develop", links[0], links[1], "-o", output)).Code.ShouldBe(0);

        Names(output).ShouldBe(["a.png", "b.png"]);
    }

    [Fact]
    public void A_run_that_is_cancelled_ends_after_the_file_in_work()
    {
        using var source = new CancellationTokenSource();
        using var screen = new TestConsole().Width(500);
        var done = new List<string>();

        var code = Batch.Run(
            new Terminal(TextWriter.Null, screen), [new("a", "a"), new("b", "b"), new("c", "c")],
            file =>
            {
                if (file.Path == "b")
                    source.Cancel();
                done.Add(file.Path);
            },
            source.Token);

        code.ShouldBe(130);
        done.ShouldBe(["a", "b"]);
        screen.Output.ShouldContain("cancelling after the files in work");
        screen.Output.ShouldContain("2 of 3 files are done");
    }

    [Theory]
    [InlineData("develop|x.dng", "Option '--output' is required")]
    [InlineData("develop|x.dng|-o|out|--max-size|12", "'12' is no size such as 1333x800")]
    [InlineData("develop|x.dng|-o|out|--format|gif", "--format is 'gif', but must be png, jpeg or npy")]
    [InlineData("develop|x.dng|-o|out|--percentile|0", "above 0 and at most 100")]
    [InlineData("develop|x.dng|-o|out|--percentile|abc", "--percentile is 'abc'")]
    [InlineData("detect|x.dng|-o|out|-d|y|--score|abc", "--score is 'abc', but must be a number from 0 to 1")]
    [InlineData("develop|x.dng|-o|out|--isq|linear", "Did you mean --isp?")]
    [InlineData("detekt|x", "Did you mean detect?")]
    [InlineData("develop|x.dng|-o|out|--cst|none", "auto works in XYZ")]
    [InlineData("develop|x.dng|-o|out|--isp|linear|--white-balance|gray-world", "for the classical ISP only")]
    [InlineData("frobnicate", "There is no command 'frobnicate'.")]
    [InlineData("--vrsion", "There is no option '--vrsion'.")]
    [InlineData("dataset", "Required command was not provided.")]
    public async Task Wrong_usage_exits_with_2_and_says_where_help_is(string line, string message)
    {
        var run = await Run(line.Split('|'));

        run.Code.ShouldBe(2);
        run.Error.ShouldContain(message);
        run.Error.ShouldContain("--help");
        run.Out.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_misspelt_command_is_met_by_the_right_one_and_nothing_else()
    {
        var run = await Run("detct", "photo.arw", "--detector", "yolox_nano.onnx");

        run.Error.ShouldBe("genisp: There is no command 'detct'.\nDid you mean detect?\nSee genisp --help\n".ReplaceLineEndings());
    }

    [Theory]
    [InlineData("develop|missing.arw|-o|out", "missing.arw does not exist")]
    [InlineData("develop|{plain}|-o|out|--isp|clasical", "none of auto, genisp, classical, linear, and no such file")]
    [InlineData("develop|{plain}|-o|{out}|--max-size|32768x32768", "32768×24576 pixels are too many")]
    [InlineData("develop|{plain}|-o|", "The output folder has no name")]
    [InlineData("develop|{plain}|-o|{out}|--crop|100x100", "100×100 can't be cropped")]
    [InlineData("weights|inspect|{plain}", "Weights are a .safetensors file")]
    [InlineData("weights|convert|{plain}|-o|a.bin", "must end in .safetensors")]
    public async Task What_fails_exits_with_1_and_one_line(string line, string message)
    {
        var output = Path.Combine(_folder, "out");
        var run = await Run([.. line.Split('|').Select(word => word.Replace("{plain}", Fixture("plain")).Replace("{out}", output))]);

        run.Code.ShouldBe(1);
        run.Error.ShouldContain(message);
        run.Error.ShouldNotContain("   at ");
        (Directory.Exists(output) ? Names(output) : []).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_cancelled_run_exits_with_130()
    {
        var run = await Run(new CancellationToken(canceled: true), "develop", Fixture("plain"), "-o", _folder);

        run.Code.ShouldBe(130);
        Names(_folder).ShouldBeEmpty();
    }

    [Fact]
    public async Task Help_shows_examples_and_the_commands_own_name()
    {
        var run = await Run("develop", "--help");

        run.Code.ShouldBe(0);
        run.Out.ShouldContain("Usage:\n  genisp develop <INPUT>...".ReplaceLineEndings());
        run.Out.ShouldContain("genisp develop photo.arw -o out");
    }

    [Fact]
    public async Task Inspected_weights_are_listed_as_JSON_and_converted_ones_develop()
    {
        var delft = SharedData.Path("weights/genisp-jptolen");
        var converted = Path.Combine(_folder, "delft.safetensors");

        (await Run("weights", "convert", delft, "-o", converted)).Code.ShouldBe(0);
        var inspected = JsonDocument.Parse((await Run("weights", "inspect", converted, "--json")).Out).RootElement;
        var fromFile = await Run("develop", Fixture("plain"), "-o", _folder, "--isp", converted, "--format", "npy", "--max-size", "full");
        var first = File.ReadAllBytes(Path.Combine(_folder, "plain.npy"));
        await Run("develop", Fixture("plain"), "-o", _folder, "--isp", delft, "--format", "npy", "--max-size", "full");

        inspected.GetProperty("format").GetString().ShouldBe("safetensors");
        inspected.GetProperty("tensors").GetArrayLength().ShouldBe(22);
        inspected.GetProperty("tensors")[0].GetProperty("name").GetString().ShouldBe("conv_wb.conv1.weight");
        inspected.GetProperty("tensors")[0].GetProperty("shape")[1].GetInt32().ShouldBe(3);
        inspected.GetProperty("tensors")[0].GetProperty("dtype").GetString().ShouldBe("float64");
        fromFile.Code.ShouldBe(0, fromFile.Error);
        File.ReadAllBytes(Path.Combine(_folder, "plain.npy")).ShouldBe(first);
    }

    [Fact]
    public async Task Detect_finds_the_parked_cars_in_a_real_RAW_photo_and_says_where_in_its_own_frame()
    {
        var photo = SharedData.Path("raw/Blackmagic_BMPCC4K.dng");

        var run = await Run(
            "detect", photo, "--detector", SharedData.Path("weights/yolox_nano.onnx"), "--isp", "classical", "-o", _folder, "--json");

        run.Code.ShouldBe(0, run.Error);
        var image = JsonDocument.Parse(run.Out).RootElement.GetProperty("images")[0];
        (image.GetProperty("width").GetInt32(), image.GetProperty("height").GetInt32()).ShouldBe((4128, 2176));
        var cars = image.GetProperty("detections").EnumerateArray()
            .Where(found => found.GetProperty("category").GetString() == "car" && found.GetProperty("score").GetDouble() >= 0.4).ToList();
        cars.Count.ShouldBeGreaterThanOrEqualTo(3);
        // The dark car in the middle, by eye.
        var car = new GenIsp.Geometry.Box(1795, 1550, 2238, 1755);
        cars.Max(found =>
        {
            var box = found.GetProperty("bbox").EnumerateArray().Select(value => value.GetSingle()).ToArray();
            return GenIsp.Geometry.Box.FromXywh(box[0], box[1], box[2], box[3]).IoU(car);
        }).ShouldBeGreaterThan(0.7f);
        cars.ShouldAllBe(found => found.GetProperty("category_id").GetInt32() == 3);

        Names(_folder).ShouldBe(["Blackmagic_BMPCC4K.png", "detections.json"]);
        var results = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(_folder, "detections.json"))).RootElement;
        results.GetArrayLength().ShouldBe(image.GetProperty("detections").GetArrayLength());
        results[0].GetProperty("image_id").GetString().ShouldBe("Blackmagic_BMPCC4K");
        results[0].GetProperty("bbox").GetArrayLength().ShouldBe(4);
    }

    [Fact]
    public async Task Another_run_into_the_same_folder_says_what_it_replaces_and_what_is_older()
    {
        var output = Path.Combine(_folder, "out");
        Task<(int Code, string Out, string Error)> Detect(string photo) =>
            Run("detect", photo, "-d", SharedData.Path("weights/yolox_nano.onnx"), "-o", output, "--isp", "classical");

        (await Detect(Fixture("plain"))).Error.ShouldNotContain("replaced");
        var results = File.ReadAllBytes(Path.Combine(output, "detections.json"));
        (await Detect(Fixture("truncated"))).Code.ShouldBe(1);
        File.ReadAllBytes(Path.Combine(output, "detections.json")).ShouldBe(results);
        (await Detect(Fixture("turned"))).Error.ShouldContain(
            "detections.json is replaced, and no longer of all pictures there: 1 is of an earlier run");
    }

    [Fact]
    public async Task Detections_of_nothing_but_bad_files_are_not_written()
    {
        var run = await Run("detect", Fixture("truncated"), "-d", SharedData.Path("weights/yolox_nano.onnx"), "-o", _folder, "--json");

        run.Code.ShouldBe(1);
        JsonDocument.Parse(run.Out).RootElement.GetProperty("images").GetArrayLength().ShouldBe(0);
        Names(_folder).ShouldBeEmpty();
    }

    [Fact]
    public async Task Ordinary_photos_go_to_the_detector_as_they_are()
    {
        var photo = SharedData.Path("coco/val2017/000000000139.jpg");

        var run = await Run("detect", photo, "--detector", SharedData.Path("weights/nanodet_plus_m_416.onnx"), "-o", _folder, "--json");

        run.Code.ShouldBe(0, run.Error);
        var image = JsonDocument.Parse(run.Out).RootElement.GetProperty("images")[0];
        (image.GetProperty("width").GetInt32(), image.GetProperty("height").GetInt32()).ShouldBe((640, 426));
        image.GetProperty("detections").EnumerateArray().ShouldContain(found => found.GetProperty("category").GetString() == "tv");
        JsonDocument.Parse(File.ReadAllBytes(Path.Combine(_folder, "detections.json"))).RootElement[0]
            .GetProperty("image_id").GetInt32().ShouldBe(139);
    }

    [Fact]
    public async Task The_doctor_names_every_part()
    {
        var run = await Run("doctor");

        run.Code.ShouldBe(0, run.Out);
        foreach (var part in new[] { "GenIsp", ".NET", "processor", "LibRaw", "libtorch", "GPU" })
            run.Out.ShouldContain(part);
    }

    private static string Fixture(string name) => Path.Combine(AppContext.BaseDirectory, "Fixtures", "raw", name + ".dng");

    private static IEnumerable<string?> Names(string folder) =>
        Directory.EnumerateFiles(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal);

    private static Task<(int Code, string Out, string Error)> Run(params string[] args) => Run(CancellationToken.None, args);

    private static async Task<(int Code, string Out, string Error)> Run(CancellationToken cancellation, params string[] args)
    {
        using var output = new StringWriter();
        using var error = new TestConsole().Width(500);
        var code = await CommandLine.RunAsync(args, new Terminal(output, error), cancellation);
        return (code, output.ToString(), error.Output);
    }
}
