using GenIsp.Data;
using GenIsp.Evaluation;

namespace GenIsp.Tests.Evaluation;

public sealed class CocoResultsFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Ids_are_numbers_or_texts() => Read("""
        [{"image_id": 5, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5, "segmentation": {"counts": []}},
         {"image_id": "DSC_1", "category_id": 2, "bbox": [1.5, 2, 3, 4], "score": 1}]
        """).ShouldBe([new("5", 1, new CocoBox(1, 2, 3, 4), 0.5), new("DSC_1", 2, new CocoBox(1.5, 2, 3, 4), 1)]);

    [Fact]
    public void An_empty_list_is_a_detector_that_found_nothing() => Read("[]").ShouldBeEmpty();

    [Theory]
    [InlineData("""{"images": []}""", "Are these the annotations?")]
    [InlineData("7", "the whole must be a list, not 7")]
    [InlineData("""[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}]""", "[0] lacks the key \"score\"")]
    [InlineData("""[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": NaN}]""", "not JSON")]
    [InlineData("""[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": "NaN"}]""", "[0].score is \"NaN\", but must be")]
    [InlineData("""[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 1}] []""", "not JSON")]
    public void What_is_no_results_file_is_refused(string text, string message) =>
        Should.Throw<GenIspException>(() => Read(text)).Message.ShouldContain(message);

    [Fact]
    public void What_is_written_is_read_back()
    {
        CocoDetection[] detections = [new("5", 1, new CocoBox(0.1, 2, 3, 4), 0.1), new("007", 2, new CocoBox(1.5, 2, 1e-9, 4), 1)];

        CocoResultsFile.Write(_folder["results.json"], detections);

        CocoResultsFile.Read(_folder["results.json"]).ShouldBe(detections);
        File.ReadAllText(_folder["results.json"]).ShouldStartWith("""
            [{"image_id":5,"category_id":1,"bbox":[0.1,2,3,4],"score":0.1},{"image_id":"007",
            """);
    }

    private IReadOnlyList<CocoDetection> Read(string text)
    {
        File.WriteAllText(_folder["results.json"], text);
        return CocoResultsFile.Read(_folder["results.json"]);
    }
}
