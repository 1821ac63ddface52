using System.CommandLine;
using System.CommandLine.Invocation;

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
        var root = new RootCommand("Develops RAW photos for object detectors, with GenISP or a classical ISP, and finds the objects in them.")
        {
            InfoCommand.Create(terminal),
            DevelopCommand.Create(terminal),
            DetectCommand.Create(terminal),
            EvaluateCommand.Create(terminal),
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
        var parsed = Create(terminal).Parse(args.Length > 0 ? args : ["--help"]);
        if (parsed.Action is ParseErrorAction)
        {
            foreach (var error in parsed.Errors)
                terminal.Say($"genisp: {error.Message}");
            terminal.Say($"See {string.Join(' ', Path(parsed.CommandResult.Command))} --help");
            return WrongUsage;
        }
        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                Output = terminal.Out,
                Error = terminal.Error.Profile.Out.Writer,
            }, cancellation);
        }
        catch (OperationCanceledException)
        {
            terminal.Say("genisp: cancelled");
            return Cancelled;
        }
        catch (GenIspException e)
        {
            terminal.Say($"genisp: {e.Message}");
            return Failed;
        }
        catch (Exception e) when (Environment.GetEnvironmentVariable("GENISP_DEBUG") is null)
        {
            terminal.Say($"genisp: internal error: {e.GetType().Name}: {e.Message} (GENISP_DEBUG=1 shows where; please report it)");
            return Failed;
        }
    }

    private static IEnumerable<string> Path(Command command) =>
        command.Parents.OfType<Command>().FirstOrDefault() is { } parent ? Path(parent).Append(command.Name) : ["genisp"];
}
