using Spectre.Console;

namespace GenIsp.Cli;

/// <summary>On a screen, a bar with the time left; elsewhere nothing.</summary>
internal sealed class ProgressBar
{
    private readonly ProgressTask? _task;

    private ProgressBar(ProgressTask? task) => _task = task;

    /// <summary>Runs work of that many steps on the calling thread.</summary>
    public static void Run(Terminal terminal, int steps, Action<ProgressBar> work)
    {
        if (steps < 2 || !terminal.IsScreen)
        {
            work(new ProgressBar(null));
            return;
        }
        terminal.Error.Progress().AutoClear(true)
            .Columns(
                new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn(),
                new SpinnerColumn())
            .Start(context => work(new ProgressBar(context.AddTask($"{steps} files", maxValue: steps))));
    }

    /// <summary>Says which file is in work.</summary>
    public void Show(string path) => _task?.Description = Markup.Escape(Terminal.Printable(Path.GetFileName(path)));

    /// <summary>A step is done.</summary>
    public void Advance() => _task?.Increment(1);
}
