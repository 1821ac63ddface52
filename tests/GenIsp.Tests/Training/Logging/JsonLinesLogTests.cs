using System.Text.Json.Nodes;
using GenIsp.Training.Logging;

namespace GenIsp.Tests.Training.Logging;

public sealed class JsonLinesLogTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string LogPath => _folder["log.jsonl"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_object_is_a_line_at_once()
    {
        using var log = JsonLinesLog.Open(LogPath, 0);

        log.Write(new JsonObject { ["step"] = 0, ["loss"] = 0.1f, ["photo"] = "Größe\n2" });
        Read().ShouldBe("{\"step\":0,\"loss\":0.1,\"photo\":\"Größe\\n2\"}\n");

        log.Write(new JsonObject { ["step"] = 1, ["loss"] = 1e-7 });
        Read().ShouldEndWith("\n{\"step\":1,\"loss\":1E-07}\n");
    }

    [Fact]
    public void Numbers_that_are_not_finite_become_null()
    {
        var line = new JsonObject
        {
            ["a"] = double.NaN,
            ["b"] = new JsonArray(float.PositiveInfinity, 1.5, null, new JsonObject { ["c"] = double.NegativeInfinity }),
            ["d"] = 3L,
        };

        using (var log = JsonLinesLog.Open(LogPath, 0))
            log.Write(line);

        Read().ShouldBe("{\"a\":null,\"b\":[null,1.5,null,{\"c\":null}],\"d\":3}\n");
        ((double)line["a"]!).ShouldBe(double.NaN, "the caller's object stays as it was");
    }

    [Theory]
    [InlineData("")]
    [InlineData("{\"step\":2,\"lo")]
    [InlineData("{\"step\":2,\"lo\n")]
    [InlineData("{\"step\":3}\n{\"step\":4,\"loss\":1}\n")]
    [InlineData("{\"step\":3}\n{\"ste")]
    [InlineData("{\"step\":9e300}")]
    [InlineData("\0\0\0\0")]
    [InlineData("[3]\n")]
    public void What_a_killed_run_left_behind_its_checkpoint_is_dropped(string rest)
    {
        const string Kept = "{\"seed\":7}\n{\"step\":1,\"photo\":\"Größe\"}\n{\"step\":2}\n{\"step\":\"eval\"}\n";
        File.WriteAllText(LogPath, Kept + rest);

        using (var log = JsonLinesLog.Open(LogPath, firstStep: 3))
            log.Write(new JsonObject { ["step"] = 3 });

        Read().ShouldBe(Kept + "{\"step\":3}\n");
        Directory.GetFiles(_folder.Root).ShouldBe([LogPath]);
    }

    [Fact]
    public void A_whole_last_line_without_its_line_break_stays_a_line_of_its_own()
    {
        File.WriteAllText(LogPath, "{\"step\":1}");

        using (var log = JsonLinesLog.Open(LogPath, 2))
            log.Write(new JsonObject { ["step"] = 2 });

        Read().ShouldBe("{\"step\":1}\n{\"step\":2}\n");
    }

    private string Read()
    {
        using var reader = new StreamReader(new FileStream(LogPath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return reader.ReadToEnd();
    }
}
