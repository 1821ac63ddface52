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

    public static RootCommand Create(Terminal terminal) => new(
        """
        Develops RAW photos for object detectors, with GenISP or a classical ISP, and finds the objects in them.

        Examples:
          genisp doctor
          genisp detect photo.arw --detector yolox_nano.onnx --isp classical -o out
          genisp develop photos/ -o developed
        """)
    {
        InfoCommand.Create(terminal),
        DevelopCommand.Create(terminal),
        EvaluateCommand.Create(terminal),
        DatasetCommand.Create(terminal),
        WeightsCommand.Create(terminal),
        DoctorCommand.Create(terminal),
    };

    /// <summary>Runs a command line and turns what goes wrong into one line and an exit code.</summary>
    public static async Task<int> RunAsync(string[] args, Terminal terminal)
    {
        var parsed = Create(terminal).Parse(args);
        try
        {
            var code = await parsed.InvokeAsync(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                Output = terminal.Out,
                Error = terminal.Error.Profile.Out.Writer,
            });
            return parsed.Errors.Count > 0 && parsed.Action is ParseErrorAction ? WrongUsage : code;
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
}
