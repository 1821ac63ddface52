using Spectre.Console;

namespace GenIsp.Cli;

/// <summary>Where the command's words go. Results go to <paramref name="Out"/>, everything else to <paramref name="Error"/>.</summary>
/// <param name="Out">Standard output: with <c>--json</c> one JSON document and nothing else.</param>
/// <param name="Error">Standard error: progress, warnings, errors.</param>
internal sealed record Terminal(TextWriter Out, IAnsiConsole Error)
{
    public static Terminal ForThisProcess() => new(
        Console.Out, AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) }));

    /// <summary>A line on standard error, as it is: no markup, no wrapping.</summary>
    public void Say(string message) => Error.Profile.Out.Writer.WriteLine(message);
}
