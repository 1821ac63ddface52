using GenIsp.Cli;

namespace GenIsp.Tests.Cli;

public sealed class DisplayNamesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_file_is_called_by_its_name_without_folder_and_ending() =>
        DisplayNames.Of(["linear", "runs/night/best.safetensors"]).ShouldBe(["linear", "best"]);

    [Fact]
    public void Namesakes_are_called_by_their_paths() => DisplayNames.Of(["a/best.safetensors", "b/best.safetensors", "classical"])
        .ShouldBe(["a/best.safetensors", "b/best.safetensors", "classical"]);

    [Fact]
    public void A_folder_has_no_ending()
    {
        var folder = Directory.CreateDirectory(_folder["delft-1.2"]).FullName;

        DisplayNames.Of([folder, folder + "/../delft-1.2/"])[0].ShouldBe(folder);
        DisplayNames.Of([folder + "/"]).ShouldBe(["delft-1.2"]);
    }

    [Fact]
    public void A_path_becomes_a_files_name() => DisplayNames.ForFile("a/best.safetensors").ShouldBe("a-best.safetensors");
}
