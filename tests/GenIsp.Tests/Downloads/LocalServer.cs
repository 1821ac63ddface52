using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace GenIsp.Tests.Downloads;

/// <summary>What a client asks.</summary>
internal sealed record Question(string Target, IReadOnlyDictionary<string, string> Headers)
{
    /// <summary>The first byte that is wanted, or 0.</summary>
    public int Start => Headers.TryGetValue("Range", out var range)
        ? int.Parse(range["bytes=".Length..].TrimEnd('-'), CultureInfo.InvariantCulture)
        : 0;
}

/// <summary>What a server says, honestly or not.</summary>
internal sealed record Answer(int Status, byte[] Body)
{
    public Dictionary<string, string> Headers { get; } = [];

    /// <summary>Send no more than so many bytes of the body, and close.</summary>
    public int? DropAfter { get; init; }

    /// <summary>After the body, say nothing more, and leave the connection open.</summary>
    public Action? Hang { get; init; }

    public Answer With(string header, string value)
    {
        Headers[header] = value;
        return this;
    }

    /// <summary>The bytes that are asked for, as an honest server sends them.</summary>
    public static Answer File(Question question, byte[] content, string tag = "\"1\"", int? dropAfter = null)
    {
        var start = question.Start;
        var isRest = start > 0 && (!question.Headers.TryGetValue("If-Range", out var condition) || condition == tag);
        var answer = isRest
            ? new Answer(206, content[start..]) { DropAfter = dropAfter }
                .With("Content-Range", $"bytes {start}-{content.Length - 1}/{content.Length}")
            : new Answer(200, content) { DropAfter = dropAfter };
        return answer.With("ETag", tag);
    }
}

/// <summary>A small HTTP server on 127.0.0.1, one answer a connection.</summary>
internal sealed class LocalServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Func<Question, Answer> _reply;

    public LocalServer(Func<Question, Answer> reply)
    {
        _reply = reply;
        _listener.Start();
        _ = AcceptAsync();
    }

    public ConcurrentQueue<Question> Questions { get; } = [];

    public Uri this[string target] => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/{target}");

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = ServeAsync(await _listener.AcceptTcpClientAsync());
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        try
        {
            using var _ = client;
            await using var stream = client.GetStream();
            using var reader = new StreamReader(stream, Encoding.Latin1);
            var target = (await reader.ReadLineAsync())!.Split(' ')[1];
            var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
            while (await reader.ReadLineAsync() is { Length: > 0 } line)
                headers[line[..line.IndexOf(':')]] = line[(line.IndexOf(':') + 1)..].Trim();
            var question = new Question(target, headers);
            Questions.Enqueue(question);
            await SendAsync(stream, _reply(question));
        }
        catch (IOException)
        {
        }
    }

    private static async Task SendAsync(NetworkStream stream, Answer answer)
    {
        var head = new StringBuilder($"HTTP/1.1 {answer.Status} Test\r\nConnection: close\r\n");
        if (!answer.Headers.ContainsKey("Content-Length"))
            answer.With("Content-Length", answer.Body.Length.ToString(CultureInfo.InvariantCulture));
        foreach (var (key, value) in answer.Headers.Where(header => header.Value.Length > 0))
            head.Append($"{key}: {value}\r\n");
        await stream.WriteAsync(Encoding.Latin1.GetBytes($"{head}\r\n"));
        await stream.WriteAsync(answer.Body.AsMemory(0, Math.Min(answer.DropAfter ?? int.MaxValue, answer.Body.Length)));
        if (answer.Hang is { } hang)
        {
            hang();
            // Until the client goes.
            await stream.ReadAtLeastAsync(new byte[1], 1, throwOnEndOfStream: false);
        }
    }
}
