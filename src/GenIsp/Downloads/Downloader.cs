using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;

namespace GenIsp.Downloads;

/// <summary>
/// Downloads that survive: what breaks off goes on where it stopped, in the same run and in a later one; what is wrong is never given the
/// file's name. A proxy is taken from HTTP_PROXY and HTTPS_PROXY.
/// </summary>
public sealed class Downloader : IDisposable
{
    /// <summary>So many tries in a row may bring nothing.</summary>
    internal const int MaxTries = 6;

    /// <summary>A server that sends nothing for so long is given up.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    // However long a busy server asks to wait.
    private static readonly TimeSpan LongestDelay = TimeSpan.FromMinutes(5);

    private readonly TimeProvider _clock;
    private readonly HttpClient _client = new(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(30) })
    {
        Timeout = Timeout.InfiniteTimeSpan,
        DefaultRequestHeaders =
        {
            UserAgent = { new ProductInfoHeaderValue("genisp", typeof(Downloader).Assembly.GetName().Version!.ToString(3)) },
            // The bytes of the file itself: ranges count these.
            AcceptEncoding = { new StringWithQualityHeaderValue("identity") },
        },
    };

    /// <param name="clock">The time for pauses and patience; the system's by default.</param>
    public Downloader(TimeProvider? clock = null) => _clock = clock ?? TimeProvider.System;

    /// <summary>
    /// Downloads a file, unless it is there already: then only what is known of it is verified. Breaks are retried, after 1 second and then
    /// twice as long each time (or as long as the server asks), until six tries in a row bring nothing.
    /// </summary>
    /// <param name="request">What, and where to.</param>
    /// <param name="progress">Is told what happens, on any thread.</param>
    /// <param name="cancellation">Breaks off; what came stays for another call.</param>
    /// <returns>Whether it was downloaded now.</returns>
    /// <exception cref="GenIspException">
    /// The server can't be reached, refuses, sends a web page, or has another file than before or than expected; size or checksum are
    /// wrong; or the disk is full. What came of the right file stays for another call.
    /// </exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task<bool> DownloadAsync(
        DownloadRequest request, IProgress<DownloadEvent>? progress = null, CancellationToken cancellation = default)
    {
        if (File.Exists(request.Path))
        {
            await using var file = InputFiles.Open(request.Path);
            if (request.Size is { } size && file.Length != size)
                throw Wrong(request.Path, $"has {file.Length} bytes, and not {size}");
            if (request.Sha256 is not null)
                RequireHash(request, request.Path, await SHA256.HashDataAsync(file, cancellation).ConfigureAwait(false));
            return false;
        }
        var address = GoogleDrive.FileAddress(request.Address);
        using var part = PartFile.Open(request.Address, request.Path);
        await ReceiveAllAsync(request, address, part, progress, cancellation).ConfigureAwait(false);
        if (request.Size is { } expected && part.Length != expected)
            throw Wrong(part.Name, $"has {part.Length} bytes, and not {expected}");
        if (request.Sha256 is not null)
            RequireHash(request, part.Name, await part.HashAsync(cancellation).ConfigureAwait(false));
        part.Finish();
        return true;
    }

    /// <summary>Closes the connections.</summary>
    public void Dispose() => _client.Dispose();

    private async Task ReceiveAllAsync(
        DownloadRequest request, Uri address, PartFile part, IProgress<DownloadEvent>? progress, CancellationToken cancellation)
    {
        var failures = 0;
        while (!part.IsComplete)
        {
            var before = part.Length;
            try
            {
                await ReceiveAsync(request, address, part, progress, cancellation).ConfigureAwait(false);
                return;
            }
            catch (Exception error) when (!cancellation.IsCancellationRequested && Reason(error) is { } reason)
            {
                failures = part.Length > before ? 0 : failures + 1;
                if (failures == MaxTries)
                    throw new GenIspException(GivenUp(request, part, reason), error);
                var wanted = (error as BusyException)?.RetryAfter ?? TimeSpan.Zero;
                var shortest = Math.Max(1, 1 << failures >> 1);
                var delay = TimeSpan.FromSeconds(Math.Clamp(wanted.TotalSeconds, shortest, LongestDelay.TotalSeconds));
                progress?.Report(new DownloadEvent.Waiting(reason, delay));
                await Task.Delay(delay, _clock, cancellation).ConfigureAwait(false);
            }
        }
    }

    // One try: from where the part ends to the end of the file, or to the next break.
    private async Task ReceiveAsync(
        DownloadRequest request, Uri address, PartFile part, IProgress<DownloadEvent>? progress, CancellationToken cancellation)
    {
        using var patience = new CancellationTokenSource(Patience, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellation);
        using var answer = await AskAsync(request, address, part, either.Token).ConfigureAwait(false);
        if (answer.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable && answer.Content.Headers.ContentRange?.Length == part.Length)
            return;
        var skip = Accept(request, part, answer) ? 0 : part.Length;
        var total = part.Remote!.Size;
        progress?.Report(new DownloadEvent.Received(part.Length, total));

        await using var body = await answer.Content.ReadAsStreamAsync(either.Token).ConfigureAwait(false);
        var buffer = new byte[1 << 17];
        long place = 0;
        while (true)
        {
            patience.CancelAfter(Patience);
            var room = place < skip ? (int)Math.Min(buffer.Length, skip - place) : buffer.Length;
            var count = await body.ReadAsync(buffer.AsMemory(0, room), either.Token).ConfigureAwait(false);
            if (count == 0)
                break;
            if (part.Length == 0 && WebPage.Begins(buffer.AsSpan(0, count)) && !IsPage(request))
                throw new GenIspException(PageInstead(request, null));
            if (place < skip)
            {
                // A server that knows no ranges sends all again. What is there already is passed over, if it is the same.
                if (!part.Holds(place, buffer.AsSpan(0, count)))
                    throw Changed(request, part, "its beginning differs");
            }
            else
            {
                if (part.Length + count > total)
                    throw new GenIspException($"{request.Address} sends more than the {total} bytes that it has announced.");
                part.Append(buffer.AsSpan(0, count));
                progress?.Report(new DownloadEvent.Received(part.Length, total));
            }
            place += count;
        }
        if (part.Length < total || place < skip)
            throw new IOException("the server stopped before the end");
    }

    // The answer with the file's bytes: where a page of Google Drive stands before it, that is passed.
    private async Task<HttpResponseMessage> AskAsync(DownloadRequest request, Uri address, PartFile part, CancellationToken cancellation)
    {
        for (var isConfirmed = false; ; isConfirmed = true)
        {
            using var question = new HttpRequestMessage(HttpMethod.Get, address);
            if (part.Length > 0)
                part.Remote!.AskFrom(part.Length, question.Headers);
            var answer = await _client.SendAsync(question, HttpCompletionOption.ResponseHeadersRead, cancellation).ConfigureAwait(false);
            if (!answer.IsSuccessStatusCode || !WebPage.Is(answer) || IsPage(request))
                return answer;
            using (answer)
            {
                var page = await WebPage.ReadAsync(answer, cancellation).ConfigureAwait(false);
                address = (isConfirmed ? null : page.Confirmation(answer.RequestMessage!.RequestUri!))
                    ?? throw new GenIspException(PageInstead(request, page.Title));
            }
        }
    }

    // Whether the answer goes on where the part ends; false if it begins at the beginning.
    private static bool Accept(DownloadRequest request, PartFile part, HttpResponseMessage answer)
    {
        if (answer.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
            throw Changed(request, part, $"it has no more than {part.Length} bytes");
        if (answer.StatusCode is not (HttpStatusCode.OK or HttpStatusCode.PartialContent))
            throw Refusal(request, answer);
        var remote = RemoteFile.Of(request.Address, answer);
        if (part.Length > 0 && remote.DifferenceFrom(part.Remote!) is { } difference)
            throw Changed(request, part, difference);
        if (request.Size is { } size && remote.Size is { } found && size != found)
            throw new GenIspException($"{request.Address} has {found} bytes, and the file that is wanted has {size}: it is another one.");
        var goesOn = answer.StatusCode == HttpStatusCode.PartialContent;
        if (goesOn && answer.Content.Headers.ContentRange?.From != part.Length)
            throw new GenIspException($"{request.Address} sends another range of bytes than it was asked for.");
        if (remote.Size is { } total)
            DiskSpace.Require(Path.GetDirectoryName(Path.GetFullPath(request.Path))!, total - part.Length, "the download");
        if (part.Length == 0)
            part.Begin(remote);
        return goesOn;
    }

    // What broke off and may be tried again; null for what is final. Errors of the disk are GenIspExceptions by now.
    private static string? Reason(Exception error) => error switch
    {
        HttpRequestException or IOException or BusyException => error.Message,
        OperationCanceledException => $"nothing came for {Patience.TotalSeconds} s",
        _ => null,
    };

    private static Exception Refusal(DownloadRequest request, HttpResponseMessage answer)
    {
        var status = $"{(int)answer.StatusCode} {answer.ReasonPhrase}".TrimEnd();
        if (answer.StatusCode is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests || (int)answer.StatusCode >= 500)
        {
            var after = answer.Headers.RetryAfter;
            return new BusyException($"the server answers {status}", after?.Delta ?? after?.Date - answer.Headers.Date);
        }
        return new GenIspException($"{request.Address} can't be downloaded: the server answers {status}. " + answer.StatusCode switch
        {
            HttpStatusCode.NotFound or HttpStatusCode.Gone => "Is the address right?",
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => "It may want a sign-in: download it with a browser.",
            _ => "Download it with a browser.",
        });
    }

    private static string GivenUp(DownloadRequest request, PartFile part, string reason) =>
        $"{request.Address} can't be downloaded: {reason} ({MaxTries} tries). Check the network, and HTTPS_PROXY where there is a proxy."
        + (part.Length > 0 ? $" {ByteSize.Text(part.Length)} are there, and the same command goes on from there." : "");

    private static GenIspException Changed(DownloadRequest request, PartFile part, string difference) => new(
        $"{request.Address} has changed since the download began: {difference}. What came is in {part.Name}: delete it to begin anew.");

    private static bool IsPage(DownloadRequest request) => Path.GetExtension(request.Path).ToLowerInvariant() is ".html" or ".htm";

    private static string PageInstead(DownloadRequest request, string? title) =>
        $"{request.Address} gives a web page{(title is null ? "" : $" (\"{title}\")")} and no file. Open it in a browser: it may want a "
        + "sign-in, or a click that leads to the file's own address.";

    private static void RequireHash(DownloadRequest request, string path, byte[] found)
    {
        var hash = Convert.ToHexStringLower(found);
        if (!hash.Equals(request.Sha256, StringComparison.OrdinalIgnoreCase))
            throw Wrong(path, $"has the SHA-256 {hash}, and not {request.Sha256}");
    }

    private static GenIspException Wrong(string path, string what) =>
        new($"{path} {what}: it is damaged, or another file. Delete it, and run the same command again to download it anew.");

    // The server can't answer now.
    private sealed class BusyException(string message, TimeSpan? retryAfter) : Exception(message)
    {
        public TimeSpan? RetryAfter { get; } = retryAfter;
    }
}
