using System.Diagnostics;

namespace GenIsp.Cli;

/// <summary>Where the time goes, by stage.</summary>
internal sealed class StageClock
{
    private readonly OrderedDictionary<string, TimeSpan> _spent = [];
    private readonly Stopwatch _total = Stopwatch.StartNew();
    private int _pictures;

    /// <summary>Whether a picture is done, so that there is something to tell.</summary>
    public bool HasFinished => _pictures > 0;

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

    /// <summary>Such as <c>2 pictures in 1.20 s (read 0.50, ISP 0.70)</c>.</summary>
    public override string ToString() =>
        FormattableString.Invariant($"{_pictures} {(_pictures == 1 ? "picture" : "pictures")} in {_total.Elapsed.TotalSeconds:0.00} s (")
        + string.Join(", ", _spent.Select(pair => FormattableString.Invariant($"{pair.Key} {pair.Value.TotalSeconds:0.00}"))) + ")";
}
