using System.CommandLine;
using System.CommandLine.Invocation;
using GenIsp.Cli.Demo;
using GenIsp.Distributed;

namespace GenIsp.Cli;

/// <summary>The command <c>genisp</c>: words, bars and exit codes around the library.</summary>
internal static class CommandLine
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int WrongUsage = 2;
    public const int Cancelled = 130;

    public static RootCommand Create(Terminal terminal)
    {
        var root = new RootCommand(
            "Develops RAW photos for object detectors, with GenISP or a classical ISP, and finds the objects in them.")
        {
            DemoCommand.Create(terminal),
            InfoCommand.Create(terminal),
            DevelopCommand.Create(terminal),
            DetectCommand.Create(terminal),
            TrainCommand.Create(terminal),
            EvaluateCommand.Create(terminal),
            CalibrateCommand.Create(terminal),
            DatasetCommand.Create(terminal),
            WeightsCommand.Create(terminal),
            DoctorCommand.Create(terminal),
            CompletionCommand.Create(terminal),
        }.WithExamples(
            "genisp doctor",
            "genisp detect photo.arw --detector yolox_nano.onnx --isp classical -o out",
            "genisp develop photos/ -o developed");
        HelpWithExamples.Install(root);
        return root;
    }

    /// <summary>Runs a command line and turns what goes wrong into one line and an exit code.</summary>
    public static async Task<int> RunAsync(string[] args, Terminal terminal, CancellationToken cancellation = default)
    {
        try
        {
            var parsed = Create(terminal).Parse(args.Length > 0 ? args : ["--help"]);
            var configuration = new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                Output = terminal.Out,
                Error = terminal.Error.Profile.Out.Writer,
            };
            // One of several processes does alone what they can't share.
            if (parsed.Action is not SharedAction && Launch.Current is { Rank: > 0 })
                return Done;
            if (parsed.Action is not ParseErrorAction)
                return await parsed.InvokeAsync(configuration, cancellation);
            foreach (var error in Errors(parsed))
                terminal.Say($"genisp: {error}");
            foreach (var suggestion in Suggestions(parsed))
                terminal.Say(suggestion);
            terminal.Say($"See {string.Join(' ', Path(parsed.CommandResult.Command))} --help");
            return WrongUsage;
        }
        catch (OperationCanceledException)
        {
            terminal.Say("genisp: cancelled");
            return Cancelled;
        }
        catch (Exception e) when (e is GenIspException || Environment.GetEnvironmentVariable("GENISP_DEBUG") is null)
        {
            terminal.Say($"genisp: {Describe(e)}");
            return Failed;
        }
    }

    /// <summary>What to tell the user: of an error that was foreseen, its message; of any other, that it is ours.</summary>
    public static string Describe(Exception error, string? file = null) => error switch
    {
        GenIspException or IOException or UnauthorizedAccessException => error.Message,
        _ when LacksLibtorch(error) =>
            "libtorch can't be loaded, which detectors and training need: `genisp doctor` says why. `genisp develop` works without.",
        _ => $"{(file is null ? "" : $"{file}: ")}internal error: {error.GetType().Name}: {error.Message} "
            + "(GENISP_DEBUG=1 shows where; please report it)",
    };

    // TorchSharp's own message is a page about where it looked.
    private static bool LacksLibtorch(Exception? error) =>
        error is TypeInitializationException { TypeName: "TorchSharp.torch" } || (error is not null && LacksLibtorch(error.InnerException));

    // Where a command is unknown, so is all that follows, and no other was asked for: one line says it.
    private static IEnumerable<string> Errors(ParseResult parsed) =>
        parsed is { CommandResult.Command.Subcommands.Count: > 0, UnmatchedTokens: [var unknown, ..] }
            ? [$"There is no {(unknown.StartsWith('-') ? "option" : "command")} '{unknown}'."]
            : parsed.Errors.Select(error => error.Message);

    // The commands and options nearest to what was not understood.
    private static IEnumerable<string> Suggestions(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        var known = command.Subcommands.Select(sub => sub.Name).Concat(command.Options.Select(option => option.Name)).ToList();
        var options = parsed.Tokens.Select(token => token.Value).Where(value => value.StartsWith("--", StringComparison.Ordinal));
        var asked = parsed.UnmatchedTokens.Concat(options);
        return asked.Except(known).Distinct()
            .Select(word => Spelling.Nearest(word, known))
            .OfType<string>()
            .Select(near => $"Did you mean {near}?");
    }

    private static IEnumerable<string> Path(Command command) =>
        command.Parents.OfType<Command>().FirstOrDefault() is { } parent ? Path(parent).Append(command.Name) : ["genisp"];
}
