using System.Globalization;

namespace GenIsp.Cli;

/// <summary>On a screen, a line of standard error that is written again and again; elsewhere nothing.</summary>
internal sealed class StatusLine(Terminal terminal) : IDisposable
{
    private const int BarWidth = 24;

    private readonly bool _isScreen = terminal.IsScreen;

    /// <summary>Shows a text in place of what was there before.</summary>
    public void Show(string text)
    {
        if (!_isScreen)
            return;
        var width = Math.Max(1, terminal.Error.Profile.Width - 1);
        terminal.Error.Profile.Out.Writer.Write($"\r\u001b[2K{(text.Length > width ? text[..width] : text)}");
        terminal.Error.Profile.Out.Writer.Flush();
    }

    /// <summary>Clears the line.</summary>
    public void Dispose() => Show("");

    /// <summary>A bar for a share of 0..1.</summary>
    public static string Bar(double share)
    {
        var done = (int)(BarWidth * Math.Clamp(share, 0, 1));
        return $"{new string('━', done)}{new string('─', BarWidth - done)}";
    }

    /// <summary>Such as <c>0:01:30</c>.</summary>
    public static string Duration(double seconds)
    {
        var format = seconds < 86400 ? @"h\:mm\:ss" : @"d\.hh\:mm\:ss";
        return TimeSpan.FromSeconds(Math.Min(seconds, 1e9)).ToString(format, CultureInfo.InvariantCulture);
    }
}
