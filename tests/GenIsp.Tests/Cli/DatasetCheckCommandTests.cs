using System.Text.Json;
using GenIsp.Geometry;
using GenIsp.Imaging;

namespace GenIsp.Tests.Cli;

public sealed class DatasetCheckCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public DatasetCheckCommandTests()
    {
        Directory.CreateDirectory(_folder["images"]);
        File.Copy(Path.Combine(AppContext.BaseDirectory, "Fixtures", "raw", "plain.dng"), _folder["images/DSC_0001.dng"]);
        PictureFile.WritePng(_folder["images/DSC_0009.png"], new RgbImage(new float[3 * 60 * 40], new Frame(60, 40)));
        PictureFile.WritePng(_folder["images/other.png"], new RgbImage(new float[3 * 60 * 40], new Frame(60, 40)));
        File.WriteAllText(_folder["train.json"], Split("""
            {"id": "DSC_0001", "width": 64, "height": 48}, {"id": "DSC_0009", "width": 30, "height": 20}, {"id": "DSC_0005"}
            """, """
            {"id": 1, "image_id": "DSC_0001", "category_id": 1, "bbox": [10, 10, 20, 20], "iscrowd": 1},
            {"id": 2, "image_id": "DSC_0001", "category_id": 3, "bbox": [50, 10, 20, 20], "isextreme": true},
            {"id": 3, "image_id": "DSC_0009", "category_id": 1, "bbox": [5, 5, 2, 0]},
            {"id": 4, "image_id": "DSC_0009", "category_id": 1, "bbox": [5, 5, 20.5, 15.5]}
            """));
        File.WriteAllText(_folder["test.json"], Split("""
            {"id": 1, "file_name": "DSC_0001.NEF"}, {"id": 2, "file_name": "DSC_0010.NEF"}, {"id": 3, "file_name": "DSC_0100.NEF"}
            """, ""));
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Counts_and_faults_come_as_JSON()
    {
        var run = await CommandRun.Of(
            "dataset", "check", "--annotations", _folder["train.json"], "--annotations", _folder["test.json"],
            "--images", _folder["images"], "--json");

        (run.Code, run.Error).ShouldBe((0, ""));
        var report = JsonDocument.Parse(run.Out).RootElement;
        var train = report.GetProperty("splits")[0];
        int Number(string key) => train.GetProperty(key).GetInt32();
        (Number("images"), Number("empty_images"), Number("boxes"), Number("crowds"), Number("extreme")).ShouldBe((3, 1, 4, 1, 1));
        train.GetProperty("per_class").EnumerateObject().Select(pair => $"{pair.Name} {pair.Value}").ShouldBe(["person 3", "car 1"]);
        train.GetProperty("frames").GetProperty("64x48").GetInt32().ShouldBe(1);
        train.GetProperty("frames").GetProperty("unknown").GetInt32().ShouldBe(1);
        train.GetProperty("degenerate")[0].GetProperty("id").GetInt32().ShouldBe(3);
        train.GetProperty("outside").EnumerateArray().ShouldHaveSingleItem().GetProperty("id").GetInt32().ShouldBe(2);
        Number("files_found").ShouldBe(2);
        train.GetProperty("missing_files")[0].GetString().ShouldBe("DSC_0005");
        var overlap = report.GetProperty("overlaps").EnumerateArray().ShouldHaveSingleItem();
        overlap.GetProperty("shared")[0].GetString().ShouldBe("DSC_0001");
        overlap.GetProperty("adjacent").GetInt32().ShouldBe(1);
        report.GetProperty("orphan_files").EnumerateArray().ShouldHaveSingleItem().GetString().ShouldBe(_folder["images/other.png"]);
    }

    [Fact]
    public async Task The_same_reads_well_without_JSON()
    {
        var run = await CommandRun.Of(
            "dataset", "check", "--annotations", _folder["train.json"], _folder["test.json"], "--images", _folder["images"]);

        run.Out.ShouldContain("  images       3, 1 without boxes");
        run.Out.ShouldContain("  boxes        4, 1 crowds, 1 extreme");
        run.Out.ShouldContain("  classes      person 3, car 1");
        run.Out.ShouldContain("  degenerate   1: annotation 3 of DSC_0009 [5, 5, 2, 0]");
        run.Out.ShouldContain("  outside      1: annotation 2 of DSC_0001 [50, 10, 20, 20]");
        run.Out.ShouldContain("  files        2 found, 1 missing: DSC_0005");
        run.Out.ShouldContain("  adjacent     1 images of the second");
        run.Out.ShouldContain("1 files belong to no image: other.png");
    }

    [Fact]
    public async Task The_contact_sheet_shows_RAW_files_and_photos()
    {
        var run = await CommandRun.Of(
            "dataset", "check", "--annotations", _folder["train.json"], "--images", _folder["images"],
            "--contact-sheet", _folder["sheet.png"]);

        run.Code.ShouldBe(0, run.Error);
        PictureFile.Read(_folder["sheet.png"]).Width.ShouldBe(2 * 608 + 8);
    }

    [Fact]
    public async Task A_file_of_another_frame_is_named_and_the_others_are_drawn()
    {
        File.WriteAllText(_folder["train.json"], File.ReadAllText(_folder["train.json"]).Replace("\"width\": 64", "\"width\": 100"));

        var run = await CommandRun.Of(
            "dataset", "check", "--annotations", _folder["train.json"], "--images", _folder["images"],
            "--contact-sheet", _folder["sheet.png"]);

        run.Code.ShouldBe(1);
        run.Error.ShouldContain("DSC_0001.dng has 64×48 pixels, but its annotations were made on 100×48");
        PictureFile.Read(_folder["sheet.png"]).Width.ShouldBe(608 + 8);
    }

    [Fact]
    public async Task A_contact_sheet_needs_images()
    {
        (await CommandRun.Of("dataset", "check", "--annotations", _folder["train.json"], "--contact-sheet", _folder["sheet.png"])).Code
            .ShouldBe(2);

        var run = await CommandRun.Of(
            "dataset", "check", "--annotations", _folder["test.json"], "--images", _folder["images"],
            "--contact-sheet", _folder["sheet.png"]);
        run.Code.ShouldBe(1);
        run.Error.ShouldContain("there is nothing to draw");
    }

    private static string Split(string images, string annotations) => $$"""
        {"images": [{{images}}], "annotations": [{{annotations}}], "categories": [{"id": 1, "name": "person"}, {"id": 3, "name": "car"}]}
        """;
}
