using System.Text.Json.Nodes;
using GenIsp.Color;
using GenIsp.Data;
using GenIsp.Geometry;
using GenIsp.Imaging;
using GenIsp.Raw;

namespace GenIsp.Tests.Data;

public sealed class SimulatedDatasetTests : IDisposable
{
    private const string Annotations =
        """
        {
          "info": {"year": 2017, "note": "größer"},
          "licenses": [{"id": 4}],
          "images": [
            {"id": 7, "file_name": "a.png", "width": 16, "height": 12, "license": 4},
            {"id": "x8", "file_name": "sub/b.png", "width": 12, "height": 16}
          ],
          "annotations": [
            {"id": 1, "image_id": 7, "category_id": 3, "bbox": [1, 2.5, 3.35, 4], "area": 13.4, "iscrowd": 1,
             "segmentation": [[1, 2, 3, 4, 5, 6]]},
            {"id": 2, "image_id": "x8", "category_id": 1, "bbox": [0, 0, 5, 236.98], "isextreme": true,
             "keypoints": [1, 2, 2], "num_keypoints": 1}
          ],
          "categories": [{"id": 1, "name": "person"}, {"id": 3, "name": "car"}]
        }
        """;

    private readonly TemporaryFolder _folder = new();

    public SimulatedDatasetTests()
    {
        Directory.CreateDirectory(_folder["photos/sub"]);
        PictureFile.WritePng(_folder["photos/a.png"], Photo(16, 12));
        PictureFile.WritePng(_folder["photos/sub/b.png"], Photo(12, 16));
        File.WriteAllText(_folder["coco.json"], Annotations);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Photos_become_DNGs_of_a_night_with_annotations_in_their_frame()
    {
        Make("out");

        var sensor = RawReader.Read(_folder["out/images/sub/b.dng"]);
        (sensor.Width, sensor.Height).ShouldBe((24, 32));
        sensor.Levels.ShouldBe(new SensorLevels(600, 15520));
        var night = Json("out/parameters.json")["sub/b.dng"]!;
        var darkness = night["darkness"]!.GetValue<double>();
        darkness.ShouldBeInRange(10, 100);
        // The packed picture is the photo at that exposure, up to noise: compare the means.
        var xyz = LinearPipeline.ToLinear(sensor, new LinearOptions { MaxSize = null, Cst = CstDirection.None });
        var mean = xyz.Pixels.Span[192..384].ToArray().Average();
        var photo = PictureFile.Read(_folder["photos/sub/b.png"]);
        var toCamera = KnownCameras.Find("Nikon D750")!.XyzToCamera * Srgb.ToXyz;
        double Linear(int i) => Srgb.Decode(photo.Pixels.Span[i]);
        var expected = Enumerable.Range(0, 192)
            .Average(i => (toCamera * new Vector3(Linear(i), Linear(192 + i), Linear(384 + i))).Y) / darkness;
        ((double)mean).ShouldBe(expected, 0.1 * expected);

        JsonNode.DeepEquals(Json("out/annotations.json"), JsonNode.Parse(
            """
            {
              "info": {"year": 2017, "note": "größer"},
              "licenses": [{"id": 4}],
              "images": [
                {"id": 7, "file_name": "a.dng", "width": 32, "height": 24, "license": 4},
                {"id": "x8", "file_name": "sub/b.dng", "width": 24, "height": 32}
              ],
              "annotations": [
                {"id": 1, "image_id": 7, "category_id": 3, "bbox": [2, 5.0, 6.70, 8], "area": 53.6, "iscrowd": 1},
                {"id": 2, "image_id": "x8", "category_id": 1, "bbox": [0, 0, 10, 473.96], "isextreme": true}
              ],
              "categories": [{"id": 1, "name": "person"}, {"id": 3, "name": "car"}]
            }
            """)).ShouldBeTrue(File.ReadAllText(_folder["out/annotations.json"]));
    }

    [Fact]
    public void The_same_options_give_the_same_bytes_on_any_number_of_threads()
    {
        Make("one");
        var dataset = SimulatedDataset.Open(_folder["two"], Options());
        Parallel.ForEach(dataset.Photos, photo => dataset.Simulate(photo));
        dataset.Finish();
        Make("other", Options() with { Seed = 6 });

        var files = Files("one");
        files.ShouldBe(["annotations.json", "images/a.dng", "images/sub/b.dng", "parameters.json", "simulation.json"]);
        Files("two").ShouldBe(files);
        foreach (var file in files)
        {
            File.ReadAllBytes(_folder["two/" + file]).ShouldBe(File.ReadAllBytes(_folder["one/" + file]), file);
            if (file != "annotations.json")
                File.ReadAllBytes(_folder["other/" + file]).ShouldNotBe(File.ReadAllBytes(_folder["one/" + file]), file);
        }
    }

    [Fact]
    public void A_photo_s_night_depends_on_its_name_and_not_on_its_neighbours()
    {
        Make("both");
        var alone = JsonNode.Parse(Annotations)!;
        alone["images"]!.AsArray().RemoveAt(0);
        alone["annotations"]!.AsArray().RemoveAt(0);
        File.WriteAllText(_folder["alone.json"], alone.ToJsonString());

        Make("alone", Options() with { AnnotationsFile = _folder["alone.json"] });

        File.ReadAllBytes(_folder["alone/images/sub/b.dng"]).ShouldBe(File.ReadAllBytes(_folder["both/images/sub/b.dng"]));
    }

    [Fact]
    public void Interrupted_work_goes_on_and_ends_like_uninterrupted_work()
    {
        Make("whole");
        var first = SimulatedDataset.Open(_folder["out"], Options());
        first.Simulate(first.Photos[0]).ShouldBeTrue();
        var written = File.GetLastWriteTimeUtc(_folder["out/images/a.dng"]);
        File.SetLastWriteTimeUtc(_folder["out/images/a.dng"], written.AddDays(-1));

        var second = SimulatedDataset.Open(_folder["out"], Options());
        second.Simulate(second.Photos[0]).ShouldBeFalse();
        second.Simulate(second.Photos[1]).ShouldBeTrue();
        second.Finish();

        File.GetLastWriteTimeUtc(_folder["out/images/a.dng"]).ShouldBe(written.AddDays(-1));
        foreach (var file in Files("whole"))
            File.ReadAllBytes(_folder["out/" + file]).ShouldBe(File.ReadAllBytes(_folder["whole/" + file]), file);
    }

    [Fact]
    public void Another_simulation_in_the_folder_is_refused_with_what_differs()
    {
        Make("out");
        string Refused(SimulationOptions options) =>
            Should.Throw<GenIspException>(() => SimulatedDataset.Open(_folder["out"], options)).Message;

        Refused(Options() with { Seed = 6 }).ShouldContain("seed was 5, and is 6");
        Refused(Options() with { Night = new() { Darkness = new LogRange(1, 4) } }).ShouldContain("darkness was [10,100], and is [1,4]");
        Refused(Options() with { Night = new() { ShotNoise = NightOptions.HardNoise } }).ShouldContain("shot_noise was [0.0001,0.001]");
        Refused(Options() with { Night = new() { Illuminant = false } }).ShouldContain("illuminant was true, and is false");
        Refused(Options() with { Camera = SimulatedCamera.Load("sony-rx100m7") }).ShouldContain("Nikon D750");
        File.WriteAllText(_folder["more.json"], Annotations + " ");
        Refused(Options() with { AnnotationsFile = _folder["more.json"] }).ShouldContain("annotations_sha256");

        File.WriteAllText(_folder["out/simulation.json"], "{");
        Refused(Options()).ShouldContain("is damaged");
        File.Delete(_folder["out/simulation.json"]);
        Refused(Options()).ShouldContain("is missing");
    }

    [Fact]
    public void A_photo_that_failed_is_left_out_with_its_annotations()
    {
        File.Delete(_folder["photos/a.png"]);
        var dataset = SimulatedDataset.Open(_folder["out"], Options());
        Should.Throw<GenIspException>(() => dataset.Simulate(dataset.Photos[0])).Message.ShouldContain("a.png does not exist");
        dataset.Simulate(dataset.Photos[1]);
        dataset.Finish();

        Json("out/annotations.json")["images"]!.AsArray().Single()!["file_name"]!.GetValue<string>().ShouldBe("sub/b.dng");
        Json("out/annotations.json")["annotations"]!.AsArray().Single()!["id"]!.GetValue<int>().ShouldBe(2);
        Json("out/parameters.json").AsObject().Single().Key.ShouldBe("sub/b.dng");
    }

    [Fact]
    public void A_photo_in_another_frame_than_its_boxes_is_refused()
    {
        PictureFile.WritePng(_folder["photos/a.png"], Photo(12, 16));
        var dataset = SimulatedDataset.Open(_folder["out"], Options());

        Should.Throw<GenIspException>(() => dataset.Simulate(dataset.Photos[0])).Message
            .ShouldContain("has 12×16 pixels (upright), but the annotations say 16×12");
    }

    [Theory]
    [InlineData("\"a.png\"", "\"../a.png\"", "no name of a file inside")]
    [InlineData("\"a.png\"", "\"/etc/a.png\"", "no name of a file inside")]
    [InlineData("\"a.png\"", "\"C:a.png\"", "no name of a file inside")]
    [InlineData("\"a.png\"", "\"sub/B.jpg\"", "would both become")]
    [InlineData("\"a.png\"", "3", "images[0].file_name is 3, but must be text")]
    [InlineData("\"x8\", \"file_name\"", "7, \"file_name\"", "the image id 7 stands there twice")]
    [InlineData("\"width\": 16", "\"width\": -16", "images[0].width is -16")]
    [InlineData("\"width\": 16", "\"width\": 16e300", "images[0].width is 16e300")]
    [InlineData("\"width\": 16, ", "", "images[0] has no \"width\"")]
    [InlineData("\"images\"", "\"pictures\"", "no list \"images\"")]
    [InlineData("\"license\": 4}", "\"license\": 4}, 5", "images[1] is 5, but must be an object")]
    [InlineData("[1, 2.5, 3.35, 4]", "[1, 2.5]", "annotations[0].bbox is [1,2.5], but must be [x, y, width, height]")]
    [InlineData("[1, 2.5, 3.35, 4]", "[1, 2.5, 1e300, 4]", "annotations[0].bbox[2] is 1e300")]
    [InlineData("[1, 2.5, 3.35, 4]", "[1, null, 3, 4]", "annotations[0].bbox[1] is null")]
    [InlineData("\"area\": 13.4", "\"area\": \"13\"", "annotations[0].area is \"13\"")]
    [InlineData("\"annotations\"", "\"boxes\"", "no list \"annotations\"")]
    [InlineData("\"id\": 7,", "\"id\": 7, \"id\": 7,", "id")]
    [InlineData("\"info\"", "info", "(line 2)")]
    public void What_is_wrong_in_the_annotations_is_said_before_anything_is_written(string from, string to, string message)
    {
        File.WriteAllText(_folder["coco.json"], Annotations.Replace(from, to));

        var error = Should.Throw<GenIspException>(() => SimulatedDataset.Open(_folder["out"], Options())).Message;

        error.ShouldContain(message);
        error.ShouldContain("coco.json");
        Directory.Exists(_folder["out"]).ShouldBeFalse();
    }

    private SimulationOptions Options() =>
        new(_folder["photos"], _folder["coco.json"], SimulatedCamera.Load("nikon-d750"), new NightOptions(), 5);

    private void Make(string name, SimulationOptions? options = null)
    {
        var dataset = SimulatedDataset.Open(_folder[name], options ?? Options());
        foreach (var photo in dataset.Photos)
            dataset.Simulate(photo);
        dataset.Finish();
    }

    private JsonNode Json(string name) => JsonNode.Parse(File.ReadAllText(_folder[name]))!;

    private string[] Files(string folder) =>
    [
        .. Directory.GetFiles(_folder[folder], "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(_folder[folder], file).Replace('\\', '/')).Order(StringComparer.Ordinal),
    ];

    private static RgbImage Photo(int width, int height)
    {
        var random = new Random(width);
        var pixels = Enumerable.Range(0, 3 * width * height).Select(_ => 0.4f + 0.5f * random.NextSingle()).ToArray();
        return new RgbImage(pixels, new Frame(width, height));
    }
}
