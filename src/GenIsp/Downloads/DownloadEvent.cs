namespace GenIsp.Downloads;

/// <summary>What happens during a download.</summary>
public abstract record DownloadEvent
{
    private DownloadEvent()
    {
    }

    /// <summary>More has come, or what is there from earlier tries was found.</summary>
    /// <param name="Done">Bytes that are there.</param>
    /// <param name="Total">Bytes of the whole file, or null where the server does not tell.</param>
    public sealed record Received(long Done, long? Total) : DownloadEvent;

    /// <summary>A try failed, and after a while there will be another.</summary>
    /// <param name="Reason">What happened.</param>
    /// <param name="Delay">How long it waits.</param>
    public sealed record Waiting(string Reason, TimeSpan Delay) : DownloadEvent;
}
