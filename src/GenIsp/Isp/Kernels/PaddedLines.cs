using System.Runtime.CompilerServices;

namespace GenIsp.Isp.Kernels;

/// <summary>
/// How a window with few channels reads a part of an image: lines with zeros around, those of one phase of the stride together. So what the
/// window covers lies equally far from each of its places, and the places equally far from each other, from line to line too: products need
/// one table of offsets, and nothing is copied once for each place.
/// </summary>
internal readonly unsafe struct PaddedLines
{
    // Their values and results stay in the second cache.
    private const int MostPlaces = 192;

    // The table of offsets lies on the stack.
    private const int MostTaps = 4096;

    private const int MostChannels = 64;

    private readonly SlidingWindow _window;

    // Numbers from one line to the next, and from one phase to the next.
    private readonly int _line;
    private readonly int _phase;

    /// <param name="window">How it is read.</param>
    /// <param name="height">Of the result.</param>
    /// <param name="width">Of the result.</param>
    public PaddedLines(SlidingWindow window, int height, int width)
    {
        _window = window;
        Columns = Share(width, MostPlaces);
        LineStep = Columns - 1 + RoundUp(window.Width, window.Right);
        Lines = Share(height, Math.Max(1, MostPlaces / LineStep));
        _line = LineStep * window.Right * window.Channels;
        _phase = (Lines - 1 + RoundUp(window.Height, window.Down)) * _line;
    }

    /// <summary>Lines of the result in a part.</summary>
    public int Lines { get; }

    /// <summary>Columns of the result in a part.</summary>
    public int Columns { get; }

    /// <summary>Places from one line to the next; those beyond <see cref="Columns"/> are for nothing.</summary>
    public int LineStep { get; }

    /// <summary>Numbers from one place to the next.</summary>
    public int Step => _window.Right * _window.Channels;

    /// <summary>Numbers that <see cref="Copy"/> needs room for.</summary>
    /// <param name="rows">Places with those that are computed for nothing.</param>
    public int Size(int rows) => checked(_window.Down * _phase + rows * Step);

    /// <summary>Whether that is the way for such a window: one that leaves out no pixel, for all are copied.</summary>
    public static bool Takes(SlidingWindow window) =>
        window.Channels <= MostChannels && window.Taps <= MostTaps && window.Down <= window.Height && window.Right <= window.Width;

    /// <summary>Where the numbers that a window covers lie: [height, width, channels].</summary>
    public void Offsets(int* offsets)
    {
        for (var y = 0; y < _window.Height; y++)
        {
            var start = y % _window.Down * _phase + y / _window.Down * _line;
            for (var i = 0; i < _window.Row; i++)
                *offsets++ = start + i;
        }
    }

    /// <summary>What is needed for some of the result's lines and columns.</summary>
    /// <param name="image">[H, W, channels].</param>
    /// <param name="height">H.</param>
    /// <param name="width">W.</param>
    /// <param name="top">The first of the result's lines.</param>
    /// <param name="lines">How many.</param>
    /// <param name="left">The first of its columns.</param>
    /// <param name="to">As many numbers as <see cref="Size"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Copy(float* image, int height, int width, int top, int lines, int left, float* to)
    {
        var (first, column) = (top * _window.Down - _window.Above, left * _window.Right - _window.Left);
        int start = Math.Max(0, column), end = Math.Min(width, column + LineStep * _window.Right);
        var channels = _window.Channels;
        for (var y = 0; y < (lines - 1) * _window.Down + _window.Height; y++)
        {
            var line = new Span<float>(to + y % _window.Down * _phase + y / _window.Down * _line, _line);
            if ((uint)(first + y) >= (uint)height || start >= end)
            {
                line.Clear();
                continue;
            }
            line[..((start - column) * channels)].Clear();
            new ReadOnlySpan<float>(image + ((nint)(first + y) * width + start) * channels, (end - start) * channels)
                .CopyTo(line[((start - column) * channels)..]);
            line[((end - column) * channels)..].Clear();
        }
    }

    // The parts are about equally large.
    private static int Share(int all, int most) => RoundUp(all, RoundUp(all, most));

    private static int RoundUp(int number, int divisor) => (number + divisor - 1) / divisor;
}
