using System.Text.RegularExpressions;

namespace GenIsp.Tests.Build;

/// <summary>What the READMEs promise to users of the library.</summary>
public sealed partial class ReadmeTests
{
    [Theory]
    [InlineData("README.md")]
    [InlineData("src/GenIsp/README.md")]
    public void The_C_sharp_in_a_README_is_the_sample_that_is_compiled(string readme) =>
        Read(readme).ShouldContain($"```csharp\n{Read("samples/DetectInRaw/Program.cs")}```\n");

    [Fact]
    public void The_packages_README_names_the_versions_that_the_library_is_built_with()
    {
        var versions = Version().Matches(Read("src/GenIsp/README.md")).Select(match => match.Groups[1].Value).ToList();

        versions.ShouldNotBeEmpty();
        var central = Read("Directory.Packages.props");
        versions.ShouldAllBe(version => central.Contains($">{version}</"));
    }

    private static string Read(string file) => File.ReadAllText(Path.Combine(Repository.Root, file)).ReplaceLineEndings("\n");

    [GeneratedRegex("--version ([0-9.]+)")]
    private static partial Regex Version();
}
