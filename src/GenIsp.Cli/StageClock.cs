using System.Diagnostics;
using GenIsp.Distributed;

namespace GenIsp.Cli;

/// <summary>Where the time goes, by stage.</summary>
internal sealed class StageClock
{
    private readonly OrderedDictionary<string, TimeSpan> _spent = [];
    private readonly Stopwatch _total = Stopwatch.StartNew();
    private int _pictures;

    public T Measure<T>(string stage, Func<T> work)
    {
        var start = Stopwatch.GetTimestamp();
        try
        {
            return work();
        }
        finally
        {
            _spent[stage] = _spent.GetValueOrDefault(stage) + Stopwatch.GetElapsedTime(start);
        }
    }

    public void Measure(string stage, Action work) => Measure(stage, () =>
    {
        work();
        return true;
    });

    /// <summary>The last stage of a picture: it is done.</summary>
    public void Finish(string stage, Action work)
    {
        Measure(stage, work);
        Finish();
    }

    /// <summary>A picture is done.</summary>
    public void Finish() => _pictures++;

    /// <summary>
    /// Tells, if a picture is done, such as <c>out: 2 pictures in 1.20 s (read 0.50, ISP 0.70)</c>; of all processes together.
    /// </summary>
    public void Say(Terminal terminal, Communicator world, string subject)
    {
        var all = world.Gather((Pictures: _pictures, Spent: _spent.ToDictionary(pair => pair.Key, pair => pair.Value.TotalSeconds)));
        var pictures = all.Sum(one => one.Pictures);
        if (pictures == 0)
            return;
        var stages = all.SelectMany(one => one.Spent).GroupBy(pair => pair.Key, pair => pair.Value)
            .Select(stage => FormattableString.Invariant($"{stage.Key} {stage.Sum():0.00}"));
        terminal.Say(FormattableString.Invariant(
            $"{subject}: {pictures} {(pictures == 1 ? "picture" : "pictures")} in {_total.Elapsed.TotalSeconds:0.00} s ")
            + $"({string.Join(", ", stages)})");
    }
}
