using GenIsp.Downloads;

namespace GenIsp.Tests.Downloads;

/// <summary>A time in which pauses are over at once, and patience ends only when told so.</summary>
internal sealed class QuickClock : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly HashSet<Timer> _patient = [];

    /// <summary>The pauses that there were.</summary>
    public List<double> Seconds { get; } = [];

    public void LosePatience()
    {
        lock (_lock)
        {
            foreach (var timer in _patient)
                timer.Fire();
            _patient.Clear();
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class Timer(QuickClock clock, TimerCallback callback, object? state) : ITimer
    {
        public void Fire() => ThreadPool.QueueUserWorkItem(_ => callback(state));

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime == Timeout.InfiniteTimeSpan)
                return true;
            lock (clock._lock)
            {
                if (dueTime == Downloader.Patience)
                {
                    clock._patient.Add(this);
                    return true;
                }
                clock.Seconds.Add(dueTime.TotalSeconds);
            }
            Fire();
            return true;
        }

        public void Dispose()
        {
            lock (clock._lock)
                clock._patient.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
