using System.Diagnostics;

namespace GenIsp.Training;

/// <summary>Where the time goes: seconds by stage, since the last <see cref="Take"/>.</summary>
internal sealed class StepClock
{
    private readonly Dictionary<string, double> _seconds = [];

    /// <summary>Runs <paramref name="work"/> and adds its time to a stage.</summary>
    public T Measure<T>(string stage, Func<T> work)
    {
        var start = Stopwatch.GetTimestamp();
        try
        {
            return work();
        }
        finally
        {
            _seconds[stage] = _seconds.GetValueOrDefault(stage) + Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
    }

    /// <inheritdoc cref="Measure{T}"/>
    public void Measure(string stage, Action work) => Measure(stage, () =>
    {
        work();
        return true;
    });

    /// <summary>The seconds by stage; the clock begins anew.</summary>
    public IReadOnlyDictionary<string, double> Take()
    {
        var taken = new Dictionary<string, double>(_seconds);
        _seconds.Clear();
        return taken;
    }
}
