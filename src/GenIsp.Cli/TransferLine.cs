using GenIsp.Downloads;

namespace GenIsp.Cli;

/// <summary>How far a transfer is, how fast, and how long it takes yet.</summary>
internal sealed class TransferLine(Terminal terminal, string name) : IDisposable
{
    // The speed is that of the last seconds, and the line changes no faster than eyes do.
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly TimeProvider _clock = terminal.Clock;
    private readonly StatusLine _line = new(terminal);
    private readonly Queue<(long Time, long Done)> _samples = [];
    private long? _shown;

    /// <summary>So many bytes are done, of all if that is known.</summary>
    public void Show(long done, long? total)
    {
        var now = _clock.GetTimestamp();
        if (_shown is { } last && _clock.GetElapsedTime(last, now) < Interval && done != total)
            return;
        _shown = now;
        _samples.Enqueue((now, done));
        while (_clock.GetElapsedTime(_samples.Peek().Time, now) > Window)
            _samples.Dequeue();
        var (start, before) = _samples.Peek();
        var seconds = _clock.GetElapsedTime(start, now).TotalSeconds;
        var speed = seconds > 0 ? (done - before) / seconds : 0;
        var bar = total > 0 ? $"{_line.Bar((double)done / total.Value)} " : "";
        var of = total is { } all ? $" of {ByteSize.Text(all)}" : "";
        var left = total - done is { } rest && speed > 0 ? $"  {StatusLine.Duration(rest / speed)} left" : "";
        _line.Show($"{name} {bar}{ByteSize.Text(done)}{of}{(speed > 0 ? $"  {ByteSize.Text(speed)}/s" : "")}{left}");
    }

    /// <summary>Clears the line, and begins to measure the speed anew.</summary>
    public void Clear()
    {
        _line.Show("");
        _samples.Clear();
    }

    public void Dispose() => _line.Dispose();
}
