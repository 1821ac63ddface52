using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using GenIsp.Cli;
using GenIsp.Color;
using GenIsp.Imaging;
using GenIsp.Raw;
using GenIsp.Tests.Training;
using Spectre.Console.Testing;

namespace GenIsp.Tests.Cli;

/// <summary><c>genisp evaluate --images</c>: from RAW files to the table, with a real detector.</summary>
public sealed class EvaluateImagesTests : IDisposable
{
    private const string Photos = "coco/val2017";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Every_ISP_is_measured_on_the_same_night()
    {
        await Simulate(885, 1353, 1675);

        var run = await Evaluate("--isp", "linear", "--isp", "classical", "--max-size", "416x416", "-o", _folder["out"], "--json");

        run.Code.ShouldBe(0);
        var results = JsonNode.Parse(run.Out)!["results"]!.AsArray();
        results.Select(result => (string)result!["isp"]!).ShouldBe(["linear", "classical"]);
        results.ShouldAllBe(result => (string)result!["detector"]! == "yolox_nano" && (int)result["images"]! == 3);
        ((double)results[1]!["AP50"]!).ShouldBeGreaterThan(Math.Max(0.3, (double)results[0]!["AP50"]!));
        results[1]!.AsObject().Select(pair => pair.Key).ShouldBe(
        [
            "isp", "detector", "images", "boxes", "AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl",
            "per_class", "area_frame",
        ]);
        JsonNode.DeepEquals(JsonNode.Parse(File.ReadAllText(_folder["out/results.json"])), JsonNode.Parse(run.Out)).ShouldBeTrue();
        Outputs().ShouldBe(["classical.yolox_nano.json", "linear.yolox_nano.json", "report.html", "results.json"]);
        File.ReadAllText(_folder["out/report.html"]).ShouldContain("000000001675.dng");
    }

    [Fact]
    public async Task The_saved_detections_give_the_same_figures_again()
    {
        await Simulate(885, 1353);
        var run = await Evaluate("--max-size", "416x416", "-o", _folder["out"], "--json");

        var again = await CommandRun.Of(
            "evaluate", "--annotations", _folder["night/annotations.json"],
            "--detections", _folder["out/classical.yolox_nano.json"], "--json");

        var (first, second) = (Only(run), Only(again));
        foreach (var result in new[] { first, second })
        {
            result.Remove("isp");
            result.Remove("detector");
        }
        JsonNode.DeepEquals(first, second).ShouldBeTrue();
        ((double)first["AP"]!).ShouldBeGreaterThan(0.1);
    }

    [Fact]
    public async Task A_filter_against_noise_is_another_ISP()
    {
        await Simulate(1675);

        var run = await Evaluate("--denoise", "bilateral", "--max-size", "416x416", "-o", _folder["out"], "--json");

        ((string)Only(run)["isp"]!).ShouldBe("classical-bilateral");
        Outputs().ShouldBe(["classical-bilateral.yolox_nano.json", "report.html", "results.json"]);
    }

    [Fact]
    public async Task Photos_skip_the_ISP_and_the_table_names_every_pair()
    {
        SharedData.Path(Photos);
        WriteAnnotations(885, 1675);

        var run = await CommandRun.Of(
            "evaluate", "--images", SharedData.Path(Photos), "--annotations", _folder["coco.json"],
            "--detector", SharedData.Path("weights/yolox_nano.onnx"), SharedData.Path("weights/nanodet_plus_m_416.onnx"),
            "--isp", "linear", "--isp", "classical");

        run.Code.ShouldBe(0);
        var lines = run.Out.Split('\n');
        string Figures(string isp, string detector) =>
            lines.Single(line => line.StartsWith($"{isp,-9}  {detector}"))[(11 + detector.Length)..].Trim();
        foreach (var detector in new[] { "yolox_nano", "nanodet_plus_m_416" })
            Figures("linear", detector).ShouldBe(Figures("classical", detector));
        Figures("linear", "yolox_nano").ShouldContain("*");
        run.Out.ShouldContain("2 images, ");
        run.Out.ShouldContain("AP with nanodet_plus_m_416  linear  classical");
        run.Out.ShouldContain("Areas are counted in the annotations' frame");
        run.Error.ShouldContain("the photos are developed already, and no ISP changes them");
    }

    [Fact]
    public async Task RAW_NODs_boxes_are_met_though_its_RAW_files_are_larger_than_its_annotations()
    {
        var annotations = JsonNode.Parse(File.ReadAllText(SharedData.Path("rawnod/Nikon/raw_new_Nikon750_test.json")))!.AsObject();
        var image = annotations["images"]![0]!.DeepClone();
        var (width, height) = ((int)image["width"]!, (int)image["height"]!);
        // The tennis players' photo, one of whom is at [297, 103, 198, 234], where this camera's picture would be.
        var photo = PictureFile.Read(SharedData.Path(Photos + "/000000000885.jpg"));
        var person = PersonOf(885, (double)width / photo.Width, (double)height / photo.Height);
        annotations["images"] = new JsonArray(image);
        annotations["annotations"] = new JsonArray(new JsonObject
        {
            ["id"] = 1,
            ["image_id"] = image["id"]!.DeepClone(),
            ["category_id"] = 1,
            ["bbox"] = new JsonArray([.. person.Select(side => JsonValue.Create(side))]),
        });
        File.WriteAllText(_folder["coco.json"], annotations.ToJsonString());
        var stem = Path.GetFileNameWithoutExtension((string)image["file_name"]!);

        var found = new List<string>();
        foreach (var (wide, high) in new[] { (width, height), (3968, 2640) })
        {
            WriteMosaic($"{wide}/{stem}.bin", photo, (width, height), (wide, high));
            var run = await CommandRun.Of(
                "evaluate", "--images", _folder[$"{wide}"], "--annotations", _folder["coco.json"],
                "--detector", SharedData.Path("weights/yolox_nano.onnx"), "-o", _folder[$"out{wide}"], "--classes", "person", "--json");
            run.Code.ShouldBe(0, run.Error);
            ((double)Only(run)["AP50"]!).ShouldBeGreaterThan(0.1);
            found.Add(File.ReadAllText(_folder[$"out{wide}/classical.yolox_nano.json"]));
        }

        found[1].ShouldBe(found[0]);
    }

    [Fact]
    public async Task Two_processes_at_once_share_one_cache_and_find_the_same()
    {
        using var photos = TinyPhotos.Create();
        photos.WriteSplit("train", [.. Enumerable.Range(0, 12).Select(i => $"{(char)('a' + i)}{i}")]);
        photos.ToMosaics("train");
        string[] Arguments(string output) =>
        [
            "evaluate", "--images", photos["train"], "--annotations", photos["train.json"], "--detector", photos["tiny.onnx"], "--isp",
            "linear", "--isp", "classical", "-o", _folder[output],
        ];
        var start = new ProcessStartInfo("dotnet") { RedirectStandardError = true, RedirectStandardOutput = true };
        start.Environment["XDG_CACHE_HOME"] = _folder["cache"];

        var processes = new[] { "a", "b" }.Select(output =>
        {
            start.ArgumentList.Clear();
            foreach (var argument in Arguments(output).Prepend(Path.Combine(AppContext.BaseDirectory, "GenIsp.Cli.dll")))
                start.ArgumentList.Add(argument);
            return Process.Start(start)!;
        }).ToList();
        foreach (var process in processes)
        {
            var error = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            process.ExitCode.ShouldBe(0, error);
            error.ShouldMatch(@"\d+ images came from the cache, \d+ were decoded");
            error.ShouldNotContain("can't be used");
            process.Dispose();
        }

        // Both ISPs take the same size and space.
        Directory.GetFiles(_folder["cache/genisp/images"]).Length.ShouldBe(12);
        foreach (var file in new[] { "classical.tiny.json", "results.json" })
            File.ReadAllText(_folder[$"b/{file}"]).ShouldBe(File.ReadAllText(_folder[$"a/{file}"]));
        var uncached = await CommandRun.Of([.. Arguments("none"), "--cache-size", "0"]);
        uncached.Code.ShouldBe(0, uncached.Error);
        File.ReadAllText(_folder["none/results.json"]).ShouldBe(File.ReadAllText(_folder["a/results.json"]));
    }

    [Fact]
    public async Task Missing_files_are_counted_and_the_first_are_named()
    {
        SharedData.Path(Photos);
        WriteAnnotations(885, 1353, 1532, 1675);
        Directory.CreateDirectory(_folder["empty"]);

        var run = await Evaluate("--images", _folder["empty"], "--annotations", _folder["coco.json"]);

        (run.Code, run.Out).ShouldBe((1, ""));
        run.Error.ShouldContain("4 of the 4 images of");
        run.Error.ShouldContain("000000000885.jpg, 000000001353.jpg, 000000001532.jpg, …");
    }

    [Fact]
    public async Task A_file_that_cannot_be_read_is_named_and_nothing_is_written()
    {
        await Simulate(885, 1353);
        File.WriteAllText(_folder["night/images/000000001353.dng"], "no picture");

        var run = await Evaluate("-o", _folder["out"], "--max-size", "416x416");

        (run.Code, run.Out).ShouldBe((1, ""));
        run.Error.ShouldContain("000000001353.dng");
        Outputs().ShouldBeEmpty();
    }

    [Fact]
    public async Task A_cancelled_run_writes_nothing()
    {
        await Simulate(885);
        using var error = new TestConsole();
        using var output = new StringWriter();

        var code = await CommandLine.RunAsync(
            [.. Arguments(), "-o", _folder["out"]], new Terminal(output, error), new CancellationToken(canceled: true));

        (code, output.ToString()).ShouldBe((CommandLine.Cancelled, ""));
        Outputs().ShouldBeEmpty();
    }

    [Fact]
    public async Task Annotations_without_boxes_and_detectors_without_their_classes_are_refused()
    {
        SharedData.Path(Photos);
        const string Nothing = """
            {"images": [{"id": 885, "width": 640, "height": 427}], "annotations": [], "categories": [{"id": 1, "name": "person"}]}
            """;
        const string Lantern = """
            {"images": [{"id": 885, "file_name": "000000000885.jpg", "width": 640, "height": 427}],
             "annotations": [{"id": 1, "image_id": 885, "category_id": 500, "bbox": [1, 1, 9, 9]}],
             "categories": [{"id": 500, "name": "lantern"}]}
            """;
        async Task<(int Code, string Error)> Run(string annotations)
        {
            File.WriteAllText(_folder["coco.json"], annotations);
            var run = await Evaluate("--images", SharedData.Path(Photos), "--annotations", _folder["coco.json"]);
            return (run.Code, run.Error);
        }

        var (code, error) = await Run(Nothing);
        code.ShouldBe(1);
        error.ShouldContain("holds no boxes");
        (code, error) = await Run(Lantern);
        code.ShouldBe(1);
        error.ShouldContain("knows none of the classes");
        (code, error) = await Run(Lantern.Replace("\"categories\": [", "\"categories\": [{\"id\": 1, \"name\": \"person\"}, "));
        code.ShouldBe(0);
        error.ShouldContain("does not know these classes, whose boxes count as missed: lantern");
    }

    private string[] Arguments() =>
    [
        "evaluate", "--images", _folder["night/images"], "--annotations", _folder["night/annotations.json"],
        "--detector", SharedData.Path("weights/yolox_nano.onnx"),
    ];

    // Options that are given replace the usual ones.
    private Task<CommandRun> Evaluate(params string[] options)
    {
        var arguments = Arguments().ToList();
        foreach (var option in options.Where(arguments.Contains))
            arguments.RemoveRange(arguments.IndexOf(option), 2);
        return CommandRun.Of([.. arguments, .. options]);
    }

    private static JsonObject Only(CommandRun run) => JsonNode.Parse(run.Out)!["results"]!.AsArray().ShouldHaveSingleItem()!.AsObject();

    private string[] Outputs() => Directory.Exists(_folder["out"])
        ? [.. Directory.GetFiles(_folder["out"]).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)]
        : [];

    // The real photos of these ids as RAW files of a dark night.
    private async Task Simulate(params int[] ids)
    {
        var photos = SharedData.Path(Photos);
        WriteAnnotations(ids);
        var run = await CommandRun.Of(
            "dataset", "simulate", "--images", photos, "--annotations", _folder["coco.json"], "-o", _folder["night"], "--seed", "1");
        run.Code.ShouldBe(0, run.Error);
    }

    private void WriteAnnotations(params int[] ids) => CocoSubset.Write(_folder["coco.json"], ids);

    // The largest person of a photo, scaled.
    private static double[] PersonOf(int id, double scaleX, double scaleY)
    {
        using var all = JsonDocument.Parse(File.ReadAllText(SharedData.Path("coco/instances_val2017.json")));
        var box = all.RootElement.GetProperty("annotations").EnumerateArray()
            .Where(one => one.GetProperty("image_id").GetInt32() == id && one.GetProperty("category_id").GetInt32() == 1)
            .MaxBy(one => one.GetProperty("area").GetDouble())
            .GetProperty("bbox").EnumerateArray().Select(side => side.GetDouble()).ToArray();
        return [box[0] * scaleX, box[1] * scaleY, box[2] * scaleX, box[3] * scaleY];
    }

    // A mosaic with the photo, enlarged, at its centre; around it is black.
    private void WriteMosaic(string name, RgbImage photo, (int Width, int Height) picture, (int Width, int Height) sensor)
    {
        const int Black = 600, White = 15520;
        var (left, top) = ((sensor.Width - picture.Width) / 2 & ~1, (sensor.Height - picture.Height) / 2 & ~1);
        var mosaic = new ushort[sensor.Width * sensor.Height];
        Array.Fill(mosaic, (ushort)Black);
        Parallel.For(0, picture.Height, y =>
        {
            var pixels = photo.Pixels.Span;
            for (var x = 0; x < picture.Width; x++)
            {
                var channel = (x & 1) + (y & 1); // RGGB
                var place = (channel * photo.Height + y * photo.Height / picture.Height) * photo.Width + x * photo.Width / picture.Width;
                mosaic[(top + y) * sensor.Width + left + x] = (ushort)(Black + (White - Black) * Srgb.Decode(pixels[place]) / 20);
            }
        });
        Directory.CreateDirectory(Path.GetDirectoryName(_folder[name])!);
        File.WriteAllBytes(_folder[name], MemoryMarshal.AsBytes(mosaic.AsSpan()));
        File.WriteAllText(
            MosaicSidecar.PathFor(_folder[name]),
            $$"""
            {"width": {{sensor.Width}}, "height": {{sensor.Height}}, "cfa": "RGGB", "black": {{Black}}, "white": {{White}},
             "camera": "Nikon D750"}
            """);
    }
}
