using GenIsp.Cli;
using GenIsp.Geometry;
using GenIsp.Imaging;
using Spectre.Console.Testing;

namespace GenIsp.Tests.Cli;

public sealed class DatasetSimulateCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public DatasetSimulateCommandTests()
    {
        Directory.CreateDirectory(_folder["photos"]);
        string[] images = ["a", "b", "c"];
        foreach (var name in images)
            PictureFile.WritePng(_folder[$"photos/{name}.png"], new RgbImage(new float[3 * 16 * 12], new Frame(16, 12)));
        var entries = images.Select((name, i) => $$"""{"id": {{i}}, "file_name": "{{name}}.png", "width": 16, "height": 12}""");
        File.WriteAllText(_folder["coco.json"], $$"""{"images": [{{string.Join(", ", entries)}}], "annotations": [], "categories": []}""");
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Makes_the_data_set_and_goes_on_with_it()
    {
        var (code, said) = await Run("--camera", "nikon-d750", "--darkness", "10..20", "--noise", "hard", "--seed", "7");
        code.ShouldBe(0);
        said.ShouldContain("3 of 3 RAW files made, 0 kept");
        Directory.GetFiles(_folder["out/images"], "*.dng").Length.ShouldBe(3);

        File.Delete(_folder["out/images/b.dng"]);
        (code, said) = await Run("--camera", "nikon-d750", "--darkness", "10..20", "--noise", "6e-4..6e-3", "--seed", "7");
        code.ShouldBe(0);
        said.ShouldContain("1 of 3 RAW files made, 2 kept");

        (code, said) = await Run();
        code.ShouldBe(1);
        said.ShouldContain("holds another simulation");
    }

    [Fact]
    public async Task A_bad_photo_spoils_nothing_but_itself()
    {
        File.WriteAllText(_folder["photos/b.png"], "no picture");

        var (code, said) = await Run();

        code.ShouldBe(1);
        said.ShouldContain("b.png can't be read as a picture");
        said.ShouldContain("1 of 3 files failed, the others are done");
        File.ReadAllText(_folder["out/annotations.json"]).ShouldNotContain("b.dng");
        File.ReadAllText(_folder["out/annotations.json"]).ShouldContain("c.dng");
    }

    [Fact]
    public async Task Help_shows_ranges_as_they_are_written()
    {
        var (code, said) = await Run("--help");

        code.ShouldBe(0);
        said.ShouldContain("[default: 10..100]");
    }

    [Fact]
    public async Task Nothing_is_written_before_the_inputs_are_known_to_be_good()
    {
        File.Delete(_folder["coco.json"]);

        var (code, said) = await Run();

        code.ShouldBe(1);
        said.ShouldContain("coco.json can't be read");
        Directory.Exists(_folder["out"]).ShouldBeFalse();
    }

    [Theory]
    [InlineData("--darkness", "100..10")]
    [InlineData("--darkness", "0..10")]
    [InlineData("--darkness", "10..20..30")]
    [InlineData("--noise", "loud")]
    [InlineData("--noise", "1e-4..1e999")]
    [InlineData("--seed", "x")]
    public async Task A_range_that_is_none_is_wrong_usage(string option, string value)
    {
        var (code, said) = await Run(option, value);

        code.ShouldBe(2);
        said.ShouldContain($"'{value}'");
        Directory.Exists(_folder["out"]).ShouldBeFalse();
    }

    private async Task<(int Code, string Said)> Run(params string[] more)
    {
        using var console = new TestConsole();
        using var output = new StringWriter();
        var code = await CommandLine.RunAsync(
            ["dataset", "simulate", "--images", _folder["photos"], "--annotations", _folder["coco.json"], "-o", _folder["out"], .. more],
            new Terminal(output, console));
        return (code, console.Output + output);
    }
}
