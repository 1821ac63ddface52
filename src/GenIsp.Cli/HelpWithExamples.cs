using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Runtime.CompilerServices;

namespace GenIsp.Cli;

/// <summary>The usual help, with the command's examples below it and the command's own name in it.</summary>
internal sealed class HelpWithExamples(HelpAction usual) : SynchronousCommandLineAction
{
    private static readonly ConditionalWeakTable<Command, string[]> Examples = [];

    public static void Install(RootCommand root)
    {
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new HelpWithExamples((HelpAction)help.Action!);
    }

    public static void Add(Command command, string[] examples) => Examples.Add(command, examples);

    public override int Invoke(ParseResult parseResult)
    {
        var configuration = parseResult.InvocationConfiguration;
        var output = configuration.Output;
        using var text = new StringWriter();
        configuration.Output = text;
        var code = usual.Invoke(parseResult);
        configuration.Output = output;
        // System.CommandLine takes the name from the program's file, which can't be called as the library in other letters.
        output.WriteLine(text.ToString().Replace(RootCommand.ExecutableName, "genisp", StringComparison.Ordinal).TrimEnd());
        if (Examples.TryGetValue(parseResult.CommandResult.Command, out var examples))
        {
            output.WriteLine();
            output.WriteLine("Examples:");
            foreach (var example in examples)
                output.WriteLine($"  {example}");
        }
        return code;
    }
}

internal static class CommandExtensions
{
    /// <summary>Shows these command lines at the end of the command's help.</summary>
    public static TCommand WithExamples<TCommand>(this TCommand command, params string[] examples)
        where TCommand : Command
    {
        HelpWithExamples.Add(command, examples);
        return command;
    }
}
