using System.Text;
using GenIsp.Downloads;

namespace GenIsp.Tests.Downloads;

/// <summary>Downloads from a real server on this machine, which behaves as badly as servers do.</summary>
public abstract class DownloadTest : IDisposable
{
    internal static readonly byte[] Content = [.. Enumerable.Range(0, 300_000).Select(i => (byte)(i * i / 251))];

    internal TemporaryFolder Folder { get; } = new();

    internal QuickClock Clock { get; } = new();

    internal string File => Folder["archive.zip"];

    public void Dispose()
    {
        Folder.Dispose();
        GC.SuppressFinalize(this);
    }

    internal Task<bool> Download(Uri address, List<DownloadEvent>? news = null) => Download(new DownloadRequest(address, File), news);

    internal async Task<bool> Download(DownloadRequest request, List<DownloadEvent>? news = null)
    {
        using var downloader = new Downloader(Clock);
        return await downloader.DownloadAsync(request, new Told(happened => news?.Add(happened)), TestContext.Current.CancellationToken);
    }

    internal Task<string> Fails(Uri address) => Fails(new DownloadRequest(address, File));

    internal async Task<string> Fails(DownloadRequest request) =>
        (await Should.ThrowAsync<GenIspException>(() => Download(request))).Message;

    internal static Answer Page(string html, string type = "text/html") =>
        new Answer(200, Encoding.UTF8.GetBytes(html)).With("Content-Type", type);

    internal sealed class Told(Action<DownloadEvent> tell) : IProgress<DownloadEvent>
    {
        public void Report(DownloadEvent value) => tell(value);
    }
}
