using System.Globalization;

namespace GenIsp.Cli;

/// <summary>
/// How far something is: on a screen, a line of standard error that is written again and again; elsewhere, where a log may be kept, a line
/// now and then.
/// </summary>
internal sealed class StatusLine(Terminal terminal) : IDisposable
{
    private const int BarWidth = 24;

    // Between two lines of a log: a twentieth of the time so far, so that a long run's does not drown in them.
    private const int Twentieth = 20;
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

    private readonly bool _isScreen = terminal.IsScreen;
    private readonly long _started = terminal.Clock.GetTimestamp();
    private TimeSpan _said;

    /// <summary>Shows a text in place of what was there before.</summary>
    public void Show(string text)
    {
        if (!_isScreen)
        {
            Log(text);
            return;
        }
        var width = Math.Max(1, terminal.Error.Profile.Width - 1);
        terminal.Error.Profile.Out.Writer.Write($"\r\u001b[2K{(text.Length > width ? text[..width] : text)}");
        terminal.Error.Profile.Out.Writer.Flush();
    }

    /// <summary>Clears the line.</summary>
    public void Dispose() => Show("");

    /// <summary>A share of 0..1: on a screen a bar, elsewhere such as <c>12 %</c>.</summary>
    public string Bar(double share)
    {
        if (!_isScreen)
            return string.Create(CultureInfo.InvariantCulture, $"{100 * share:0} %");
        var done = (int)(BarWidth * Math.Clamp(share, 0, 1));
        return $"{new string('━', done)}{new string('─', BarWidth - done)}";
    }

    /// <summary>Such as <c>0:01:30</c>.</summary>
    public static string Duration(double seconds)
    {
        var format = seconds < 86400 ? @"h\:mm\:ss" : @"d\.hh\:mm\:ss";
        return TimeSpan.FromSeconds(Math.Min(seconds, 1e9)).ToString(format, CultureInfo.InvariantCulture);
    }

    private void Log(string text)
    {
        var time = terminal.Clock.GetElapsedTime(_started);
        var interval = TimeSpan.FromTicks(Math.Clamp(time.Ticks / Twentieth, Shortest.Ticks, Longest.Ticks));
        if (text.Length == 0 || time - _said < interval)
            return;
        _said = time;
        terminal.Say(text);
    }
}
