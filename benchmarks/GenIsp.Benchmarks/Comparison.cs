using System.Diagnostics;

namespace GenIsp.Benchmarks;

/// <summary>Median and spread of one side, in milliseconds.</summary>
internal readonly record struct Timing(double Median, double Low, double High)
{
    public static Timing Of(List<double> milliseconds)
    {
        var sorted = milliseconds.Order().ToList();
        return new(sorted[sorted.Count / 2], sorted[sorted.Count / 10], sorted[sorted.Count * 9 / 10]);
    }

    public override string ToString() => $"{Median:0.0} ms ({Low:0.0} to {High:0.0})";
}

/// <summary>How many times longer a peer takes: median and spread over the rounds.</summary>
internal readonly record struct Ratio(double Median, double Low, double High)
{
    /// <param name="peer">Times of one side, round by round.</param>
    /// <param name="ours">Of the other.</param>
    public static Ratio Of(List<double> peer, List<double> ours)
    {
        var timing = Timing.Of([.. peer.Zip(ours, (theirs, mine) => theirs / mine)]);
        return new(timing.Median, timing.Low, timing.High);
    }

    public override string ToString() => $"{Median:0.0} ({Low:0.0} to {High:0.0})";
}

/// <summary>Times two sides in strictly alternating runs, so that a noisy neighbour disturbs both alike.</summary>
internal static class Comparison
{
    public static (Timing Ours, Timing Peer) Run(Action ours, Action peer, int warmUps = 10, int runs = 41)
    {
        var (oursTimes, peerTimes) = (new List<double>(), new List<double>());
        for (var i = -warmUps; i < runs; i++)
        {
            var (a, b) = (Time(ours), Time(peer));
            if (i < 0)
                continue;
            oursTimes.Add(a);
            peerTimes.Add(b);
        }
        return (Timing.Of(oursTimes), Timing.Of(peerTimes));
    }

    /// <summary>
    /// The middle of three runs in a row, as pictures come in a row: a core that has slept, and caches that others filled, slow the first.
    /// </summary>
    /// <param name="measure">Gives what one run took.</param>
    public static double InARow(Func<double> measure) => Timing.Of([measure(), measure(), measure()]).Median;

    /// <summary>Milliseconds of the same.</summary>
    public static double InARow(Action action) => InARow(() => Time(action));

    /// <summary>Milliseconds.</summary>
    public static double Time(Action action)
    {
        var clock = Stopwatch.StartNew();
        action();
        return clock.Elapsed.TotalMilliseconds;
    }
}
