using System.Diagnostics;

namespace GenIsp.Training;

/// <summary>Where the time goes: seconds by stage, since the last <see cref="Take"/>.</summary>
internal sealed class StepClock
{
    /// <summary>The stage that waits for data.</summary>
    public const string Data = "data";

    /// <summary>The stage that is no part of a step.</summary>
    public const string Validation = "validation";

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

    /// <summary>Which share of the time of training steps went into waiting for data; 0 where there was none.</summary>
    /// <param name="seconds">What <see cref="Take"/> returned.</param>
    public static double DataShare(IReadOnlyDictionary<string, double> seconds)
    {
        var steps = seconds.Where(stage => stage.Key != Validation).Sum(stage => stage.Value);
        return steps > 0 ? seconds.GetValueOrDefault(Data) / steps : 0;
    }

    /// <summary>The seconds by stage; the clock begins anew.</summary>
    public IReadOnlyDictionary<string, double> Take()
    {
        var taken = new Dictionary<string, double>(_seconds);
        _seconds.Clear();
        return taken;
    }
}
