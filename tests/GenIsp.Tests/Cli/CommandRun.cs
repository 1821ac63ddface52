using GenIsp.Cli;
using Spectre.Console.Testing;

namespace GenIsp.Tests.Cli;

/// <summary>What a command line did.</summary>
internal sealed record CommandRun(int Code, string Out, string Error)
{
    public static async Task<CommandRun> Of(params string[] args)
    {
        using var error = new TestConsole();
        using var output = new StringWriter();
        var code = await CommandLine.RunAsync(args, new Terminal(output, error));
        return new CommandRun(code, output.ToString(), error.Output);
    }
}
