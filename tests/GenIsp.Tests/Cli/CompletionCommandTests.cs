using System.Diagnostics;

namespace GenIsp.Tests.Cli;

public sealed class CompletionCommandTests
{
    [Theory]
    [InlineData("genisp dev", "develop")]
    [InlineData("genisp develop --form", "--format")]
    [InlineData("genisp develop --format n", "npy")]
    [InlineData("genisp detect --isp cl", "classical")]
    public async Task The_program_says_what_may_stand_there(string line, string word) =>
        (await CommandRun.Of($"[suggest:{line.Length}]", line)).Out.Split('\n', StringSplitOptions.TrimEntries).ShouldContain(word);

    [Fact]
    public async Task Only_words_that_begin_as_typed_are_offered_and_help_by_its_long_name()
    {
        var (words, files) = (await Complete("genisp l"), await Complete("genisp x"));

        words.ShouldBe(["linear"]);
        files.ShouldBe(["x.dng"]);
        (await Complete("genisp ")).ShouldBe(["--help", "classical", "linear"]);
    }

    // What bash offers where the program, here a function, knows these words, and the folder holds one file.
    private static async Task<string[]> Complete(string line)
    {
        if (!File.Exists("/bin/bash"))
            Assert.Skip("There is no bash here.");
        var folder = Directory.CreateTempSubdirectory().FullName;
        File.WriteAllText(Path.Combine(folder, "x.dng"), "");
        var script = $$"""
            genisp() { printf '%s\n' --help '-?' -h '/?' /h classical linear; }
            {{(await CommandRun.Of("completion", "bash")).Out}}
            COMP_LINE='{{line}}' COMP_POINT={{line.Length}} COMP_WORDS=(genisp '{{line["genisp ".Length..]}}') COMP_CWORD=1
            _genisp
            printf '%s\n' "${COMPREPLY[@]}"
            """;
        var start = new ProcessStartInfo("/bin/bash", ["--norc", "-c", script]) { RedirectStandardOutput = true, WorkingDirectory = folder };
        using var bash = Process.Start(start)!;
        return bash.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
