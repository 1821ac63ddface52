using GenIsp.Distributed;
using Spectre.Console;

namespace GenIsp.Cli;

/// <summary>Where the command's words go. Results go to <paramref name="Out"/>, everything else to <paramref name="Error"/>.</summary>
/// <param name="Out">Standard output: with <c>--json</c> one JSON document and nothing else.</param>
/// <param name="Error">Standard error: progress, warnings, errors.</param>
internal sealed record Terminal(TextWriter Out, IAnsiConsole Error)
{
    /// <summary>Whether another process speaks for this one: results, progress and warnings go nowhere.</summary>
    public bool IsQuiet
    {
        get;
        init => (field, Out) = (value, value ? TextWriter.Null : Out);
    }

    /// <summary>By which progress is measured.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    public static Terminal ForThisProcess()
    {
        // mpirun's processes write to a terminal of its own: .NET would greet it among the results.
        if (Launch.Current is not null)
            Environment.SetEnvironmentVariable("TERM", "dumb");
        return new(Console.Out, AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) }));
    }

    /// <summary>Whether somebody may be looking at what changes.</summary>
    public bool IsScreen => !IsQuiet && Error.Profile.Capabilities.Interactive;

    /// <summary>A line on standard error. On a screen it goes above a bar that is being drawn; elsewhere it is not wrapped.</summary>
    public void Say(string message)
    {
        if (!IsQuiet)
            Complain(message);
    }

    /// <summary>The same for what only this process may know, such as that a file is damaged.</summary>
    public void Complain(string message)
    {
        if (Error.Profile.Capabilities.Interactive)
            Error.WriteLine(Printable(message));
        else
            Error.Profile.Out.Writer.WriteLine(Printable(message));
    }

    /// <summary>Text of others, such as a class's name in a detector, without control characters: a screen would obey them.</summary>
    public static string Printable(string text) => string.Concat(text.Select(c => char.IsControl(c) && c != '\n' ? '?' : c));
}
