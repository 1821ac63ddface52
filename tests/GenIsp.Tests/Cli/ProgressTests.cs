using GenIsp.Cli;
using Spectre.Console.Testing;

namespace GenIsp.Tests.Cli;

/// <summary>What is told of long work where there is no screen: in a file, in the log of a build.</summary>
public sealed class ProgressTests : IDisposable
{
    private readonly TestConsole _log = new TestConsole().Width(200);
    private readonly HandClock _clock = new();

    public void Dispose() => _log.Dispose();

    private Terminal Terminal => new(TextWriter.Null, _log) { Clock = _clock };

    [Fact]
    public void Files_are_counted_in_a_line_every_ten_seconds()
    {
        ProgressBar.Run(Terminal, 100, bar =>
        {
            for (var i = 0; i < 25; i++)
            {
                _clock.Seconds++;
                bar.Advance();
            }
        });

        _log.Output.ShouldBe("10 of 100 files  10 %  0:01:30 left\n20 of 100 files  20 %  0:01:20 left\n".ReplaceLineEndings());
    }

    [Fact]
    public void Work_that_is_soon_done_says_nothing()
    {
        ProgressBar.Run(Terminal, 2, bar =>
        {
            bar.Advance();
            _clock.Seconds = 9;
            bar.Advance();
        });

        _log.Output.ShouldBeEmpty();
    }

    [Fact]
    public void Of_a_long_run_there_is_a_line_a_minute()
    {
        using (var line = new StatusLine(Terminal))
        {
            for (; _clock.Seconds <= 7200; _clock.Seconds++)
                line.Show($"{_clock.Seconds}");
        }

        var lines = _log.Output.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries).Select(int.Parse).ToArray();
        lines[..3].ShouldBe([10, 20, 30]);
        (lines[^1] - lines[^2]).ShouldBe(60);
    }
}
