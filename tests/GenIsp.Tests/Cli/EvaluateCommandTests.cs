using System.Text.Json;

namespace GenIsp.Tests.Cli;

public sealed class EvaluateCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public EvaluateCommandTests()
    {
        File.WriteAllText(_folder["coco.json"], Annotations());
        File.WriteAllText(_folder["found.json"], """
            [{"image_id": "a", "category_id": 1, "bbox": [0, 0, 20, 20], "score": 0.9},
             {"image_id": 2, "category_id": 3, "bbox": [50, 50, 100, 100], "score": 0.8}]
            """);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Prints_one_JSON_document()
    {
        var run = await CommandRun.Of("evaluate", "--annotations", _folder["coco.json"], "--detections", _folder["found.json"], "--json");

        (run.Code, run.Error).ShouldBe((0, ""));
        var result = JsonDocument.Parse(run.Out).RootElement.GetProperty("results").EnumerateArray().ShouldHaveSingleItem();
        result.EnumerateObject().Select(property => property.Name).ShouldBe(
        [
            "isp", "detector", "images", "boxes", "AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl",
            "per_class", "area_frame",
        ]);
        result.GetProperty("isp").ValueKind.ShouldBe(JsonValueKind.Null);
        (result.GetProperty("images").GetInt32(), result.GetProperty("boxes").GetInt32()).ShouldBe((2, 3));
        result.GetProperty("AP").GetDouble().ShouldBe(0.5 + 0.5 * 51 / 101, 1e-12);
        result.GetProperty("per_class").GetProperty("person").GetDouble().ShouldBe(1, 1e-12);
    }

    [Fact]
    public async Task Prints_an_aligned_table_that_states_the_area_frame()
    {
        var run = await CommandRun.Of("evaluate", "--annotations", _folder["coco.json"], "--detections", _folder["found.json"]);

        run.Out.ShouldContain("Average precision @ IoU 0.50:0.95  area all     detections 100         75.2");
        run.Out.ShouldContain("Average precision @ IoU 0.50:0.95  area medium  detections 100            –");
        run.Out.ShouldContain("AP of person                                                    100.0");
        run.Out.ShouldNotContain("AP of bicycle");
        run.Out.ShouldContain("In percent (in JSON 0..1). Areas are counted in the annotations' frame");
    }

    [Fact]
    public async Task Of_many_classes_the_table_shows_those_with_most_boxes()
    {
        const int Classes = 13;
        // Class 3 has three boxes, class 4 four, …; class 13 has none.
        var boxes = Enumerable.Range(1, Classes - 1).SelectMany(category => Enumerable.Repeat(category, category)).Select((category, i) =>
            $$"""{"id": {{i + 1}}, "image_id": 1, "category_id": {{category}}, "bbox": [{{3 * i}}, 0, 2, 2]}""");
        var categories = Enumerable.Range(1, Classes).Select(id => $$"""{"id": {{id}}, "name": "class-{{id:00}}"}""");
        File.WriteAllText(_folder["coco.json"], $$"""
            {"images": [{"id": 1}], "annotations": [{{string.Join(',', boxes)}}], "categories": [{{string.Join(',', categories)}}]}
            """);
        File.WriteAllText(_folder["found.json"], "[]");

        var run = await CommandRun.Of("evaluate", "--annotations", _folder["coco.json"], "--detections", _folder["found.json"]);

        run.Code.ShouldBe(0, run.Error);
        run.Out.Split('\n').Where(line => line.StartsWith("AP of ", StringComparison.Ordinal)).Select(line => line.Split(' ')[2])
            .ShouldBe(Enumerable.Range(3, 10).Reverse().Select(id => $"class-{id:00}"));
        run.Out.ShouldContain("These 10 have most boxes; --json has the other 2 too");
    }

    [Fact]
    public async Task Only_the_classes_asked_for_are_measured()
    {
        var run = await CommandRun.Of(
            "evaluate", "--annotations", _folder["coco.json"], "--detections", _folder["found.json"],
            "--classes", "person, bicycle", "--json");

        var result = JsonDocument.Parse(run.Out).RootElement.GetProperty("results")[0];
        result.GetProperty("AP").GetDouble().ShouldBe(1, 1e-12);
        result.GetProperty("boxes").GetInt32().ShouldBe(1);
    }

    [Fact]
    public async Task Flagged_boxes_are_measured_apart_too()
    {
        File.WriteAllText(_folder["coco.json"], Annotations(", \"isextreme\": true", ", \"isextreme\": false"));

        var run = await CommandRun.Of("evaluate", "--annotations", _folder["coco.json"], "--detections", _folder["found.json"], "--json");
        var table = await CommandRun.Of("evaluate", "--annotations", _folder["coco.json"], "--detections", _folder["found.json"]);

        var result = JsonDocument.Parse(run.Out).RootElement.GetProperty("results")[0];
        result.GetProperty("extreme").GetProperty("boxes").GetInt32().ShouldBe(1);
        result.GetProperty("extreme").GetProperty("AP").GetDouble().ShouldBe(1, 1e-12);
        result.GetProperty("non_extreme").GetProperty("boxes").GetInt32().ShouldBe(2);
        table.Out.ShouldContain("          all      extreme  non-extreme");
    }

    [Fact]
    public async Task The_id_0_and_degenerate_boxes_are_warned_of()
    {
        File.WriteAllText(
            _folder["coco.json"], Annotations().Replace("\"id\": 11", "\"id\": 0").Replace("[50, 300, 100, 100]", "[50, 300, 0, 9]"));

        var run = await CommandRun.Of("evaluate", "--annotations", _folder["coco.json"], "--detections", _folder["found.json"], "--json");

        run.Code.ShouldBe(0);
        run.Error.ShouldContain("the annotation with the id 0 can't be matched");
        run.Error.ShouldContain("annotation 13");
        JsonDocument.Parse(run.Out);
    }

    [Theory]
    [InlineData("--classes", "cat", "has no class cat")]
    [InlineData("--detections", "coco.json", "Are these the annotations?")]
    [InlineData("--annotations", "found.json", "is no COCO annotation file")]
    public async Task What_does_not_fit_is_said(string option, string value, string message)
    {
        var options = new Dictionary<string, string> { ["--annotations"] = "coco.json", ["--detections"] = "found.json" };
        options[option] = value;
        string Value(string key) => key == "--classes" ? options[key] : _folder[options[key]];

        var run = await CommandRun.Of(["evaluate", .. options.Keys.SelectMany(key => new[] { key, Value(key) }), "--json"]);

        (run.Code, run.Out).ShouldBe((1, ""));
        run.Error.ShouldContain(message);
    }

    [Theory]
    [InlineData("--detections d --images i --detector n", "--detections and --images exclude each other")]
    [InlineData("", "Give --detections FILE")]
    [InlineData("--detector n", "Give --detections FILE")]
    [InlineData("--images i", "--images needs --detector.")]
    [InlineData("--detections d --isp linear", "--isp is for --images, not for --detections.")]
    [InlineData("--detections d --detector n", "--detector is for --images, not for --detections.")]
    [InlineData("--detections d -o out", "--output is for --images, not for --detections.")]
    [InlineData("--images i --detector n --score 2", "--score is '2'")]
    [InlineData("--images i --detector n --denoise blur", "--denoise is 'blur', but must be none or bilateral.")]
    [InlineData("--images i --detector n --isp linear --denoise bilateral", "--denoise is for the classical ISP only")]
    [InlineData("--images i --detector n --isp linear --isp linear", "--isp linear is given twice.")]
    [InlineData("--images i --detector n --isp classical --isp x.safetensors --cst none", "classical works in XYZ")]
    [InlineData("--images i --detector n --detector n", "--detector n is given twice.")]
    public async Task Wrong_usage_is_said(string options, string message)
    {
        var run = await CommandRun.Of(["evaluate", "--annotations", "a", .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);

        (run.Code, run.Out).ShouldBe((2, ""));
        run.Error.ShouldContain(message);
    }

    private static string Annotations(string first = "", string others = "") => $$"""
        {"images": [{"id": "a", "width": 640, "height": 480}, {"id": 2, "width": 640, "height": 480}],
         "annotations": [{"id": 11, "image_id": "a", "category_id": 1, "bbox": [0, 0, 20, 20]{{first}}},
                         {"id": 12, "image_id": 2, "category_id": 3, "bbox": [50, 50, 100, 100]{{others}}},
                         {"id": 13, "image_id": 2, "category_id": 3, "bbox": [50, 300, 100, 100]{{others}}}],
         "categories": [{"id": 1, "name": "person"}, {"id": 2, "name": "bicycle"}, {"id": 3, "name": "car"}]}
        """;
}
