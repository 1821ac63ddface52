using GenIsp.Downloads;

namespace GenIsp.Cli;

/// <summary>Downloads a file and shows it.</summary>
internal static class Transfer
{
    /// <summary>Downloads, and tells where the file is and how long it took.</summary>
    /// <exception cref="GenIspException">It failed: see <see cref="Downloader.DownloadAsync"/>.</exception>
    public static async Task RunAsync(Terminal terminal, DownloadRequest request, string use, CancellationToken cancellation)
    {
        var clock = terminal.Clock;
        using var downloader = new Downloader(clock);
        var started = clock.GetTimestamp();
        bool isNew;
        using (var line = new TransferLine(terminal, Path.GetFileName(request.Path)))
            isNew = await downloader.DownloadAsync(request, new Display(terminal, line), cancellation);
        var seconds = clock.GetElapsedTime(started).TotalSeconds;
        var size = ByteSize.Text(new FileInfo(request.Path).Length);
        terminal.Say(isNew
            ? FormattableString.Invariant($"{request.Path}: {size} in {seconds:0.0} s{use}")
            : $"{request.Path} is there already ({size}){use}");
    }

    private sealed class Display(Terminal terminal, TransferLine line) : IProgress<DownloadEvent>
    {
        public void Report(DownloadEvent value)
        {
            switch (value)
            {
                case DownloadEvent.Received received:
                    line.Show(received.Done, received.Total);
                    break;
                case DownloadEvent.Waiting waiting:
                    line.Clear();
                    terminal.Say(FormattableString.Invariant($"genisp: {waiting.Reason}; another try in {waiting.Delay.TotalSeconds:0} s"));
                    break;
            }
        }
    }
}
