using System.CommandLine;
using System.Text;
using System.Text.RegularExpressions;
using GenIsp.Cli;
using Spectre.Console.Testing;

namespace GenIsp.Tests.Cli;

/// <summary><c>docs/commands.md</c> is made of what <c>--help</c> prints.</summary>
public sealed partial class CommandReferenceTests
{
    private static readonly string Page = Path.Combine(Repository.Root, "docs", "commands.md");

    [Fact]
    public async Task The_command_reference_says_what_help_says()
    {
        var expected = await Render();

        if (Environment.GetEnvironmentVariable("GENISP_WRITE_DOCS") == "1")
            File.WriteAllText(Page, expected);
        (await File.ReadAllTextAsync(Page, TestContext.Current.CancellationToken)).ReplaceLineEndings("\n").ShouldBe(
            expected, "docs/commands.md is out of date: GENISP_WRITE_DOCS=1 ./test -class '*CommandReferenceTests'");
    }

    private static async Task<string> Render()
    {
        using var console = new TestConsole();
        using var output = new StringWriter();
        var text = new StringBuilder("# Commands\n\nMade from `genisp COMMAND --help`; a test keeps it true.\n");
        foreach (var path in Paths(CommandLine.Create(new Terminal(output, console)), []))
            text.Append(Section(path, (await CommandRun.Of([.. path, "--help"])).Out));
        return text.ToString();
    }

    // Those that do something, depth first.
    private static IEnumerable<string[]> Paths(Command command, string[] path) => command.Subcommands.Count == 0
        ? [path]
        : command.Subcommands.Where(child => !child.Hidden).SelectMany(child => Paths(child, [.. path, child.Name]));

    private static string Section(string[] path, string help)
    {
        var parts = Heading().Split(help.ReplaceLineEndings("\n")).Skip(1).Chunk(2)
            .ToDictionary(pair => pair[0], pair => pair[1].Split('\n').Select(line => line.Trim()).Where(line => line != "").ToArray());
        string Rows(string part) => parts.TryGetValue(part, out var rows)
            ? $"\n| {part.ToLowerInvariant()} | |\n|---|---|\n"
                + string.Concat(rows.Select(row => Columns().Split(row, 2)).Select(row =>
                    $"| `{row[0].Replace("|", "\\|", StringComparison.Ordinal)}` | {Escape(row.ElementAtOrDefault(1) ?? "")} |\n"))
            : "";
        var examples = parts.TryGetValue("Examples", out var lines) ? $"\n```sh\n{string.Join('\n', lines)}\n```\n" : "";
        return $"\n## genisp {string.Join(' ', path)}\n\n{string.Join(' ', parts["Description"])}\n\n`{string.Join(' ', parts["Usage"])}`\n"
            + Rows("Arguments") + Rows("Options") + examples;
    }

    private static string Escape(string text) => text.Replace("|", "\\|", StringComparison.Ordinal).Replace("<", "\\<", StringComparison.Ordinal);

    [GeneratedRegex(@"^(\w+):\n?", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@" {2,}")]
    private static partial Regex Columns();
}
