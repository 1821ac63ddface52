using Spectre.Console;

namespace GenIsp.Cli;

/// <summary>How many of several files are done, and the time left: on a screen a bar, elsewhere a line now and then.</summary>
internal sealed class ProgressBar
{
    private readonly ProgressTask? _task;
    private readonly StatusLine? _line;
    private readonly TimeProvider _clock;
    private readonly long _started;
    private readonly int _steps;
    private readonly Lock _counting = new();
    private int _done;

    private ProgressBar(Terminal terminal, int steps, ProgressTask? task = null, StatusLine? line = null)
    {
        (_clock, _steps, _task, _line) = (terminal.Clock, steps, task, line);
        _started = _clock.GetTimestamp();
    }

    /// <summary>Runs work of that many steps on the calling thread.</summary>
    public static void Run(Terminal terminal, int steps, Action<ProgressBar> work)
    {
        if (!terminal.IsScreen)
        {
            using var line = new StatusLine(terminal);
            work(new ProgressBar(terminal, steps, line: line));
            return;
        }
        if (steps < 2)
        {
            work(new ProgressBar(terminal, steps));
            return;
        }
        terminal.Error.Progress().AutoClear(true)
            .Columns(
                new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn(),
                new SpinnerColumn())
            .Start(context => work(new ProgressBar(terminal, steps, context.AddTask($"{steps} files", maxValue: steps))));
    }

    /// <summary>Says which file is in work.</summary>
    public void Show(string path) => _task?.Description = Markup.Escape(Terminal.Printable(Path.GetFileName(path)));

    /// <summary>A step is done, on any thread.</summary>
    public void Advance()
    {
        _task?.Increment(1);
        lock (_counting)
        {
            // The end speaks for itself.
            if (++_done == _steps)
                return;
            var left = _clock.GetElapsedTime(_started).TotalSeconds / _done * (_steps - _done);
            _line?.Show($"{_done} of {_steps} files  {_line.Bar((double)_done / _steps)}  {StatusLine.Duration(left)} left");
        }
    }
}
