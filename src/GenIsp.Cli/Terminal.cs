using Spectre.Console;

namespace GenIsp.Cli;

/// <summary>Where the command's words go. Results go to <paramref name="Out"/>, everything else to <paramref name="Error"/>.</summary>
/// <param name="Out">Standard output: with <c>--json</c> one JSON document and nothing else.</param>
/// <param name="Error">Standard error: progress, warnings, errors.</param>
internal sealed record Terminal(TextWriter Out, IAnsiConsole Error)
{
    public static Terminal ForThisProcess() => new(
        Console.Out, AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) }));

    /// <summary>A line on standard error. On a screen it goes above a bar that is being drawn; elsewhere it is not wrapped.</summary>
    public void Say(string message)
    {
        if (Error.Profile.Capabilities.Interactive)
            Error.WriteLine(Printable(message));
        else
            Error.Profile.Out.Writer.WriteLine(Printable(message));
    }

    /// <summary>Text of others, such as a class's name in a detector, without control characters: a screen would obey them.</summary>
    public static string Printable(string text) => string.Concat(text.Select(c => char.IsControl(c) && c != '\n' ? '?' : c));
}
