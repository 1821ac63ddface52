using System.Net;
using System.Text;
using System.Text.RegularExpressions;

namespace GenIsp.Downloads;

/// <summary>A page that a server sends where a file was expected.</summary>
internal sealed partial class WebPage
{
    private const int MaxBytes = 1 << 18;

    private readonly string _html;

    private WebPage(string html) => _html = html;

    /// <summary>The title in one line, or null.</summary>
    public string? Title => TitleElement().Match(_html) is { Success: true } title
        ? WebUtility.HtmlDecode(string.Join(' ', title.Groups[1].Value.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)))
        : null;

    /// <summary>Whether an answer says that it is a page.</summary>
    public static bool Is(HttpResponseMessage answer) =>
        answer.Content.Headers.ContentType?.MediaType?.ToLowerInvariant() is "text/html" or "application/xhtml+xml";

    /// <summary>Whether a file begins as a page does, whatever the server says that it is.</summary>
    public static bool Begins(ReadOnlySpan<byte> bytes)
    {
        var text = Encoding.Latin1.GetString(bytes[..Math.Min(bytes.Length, 256)]).ToLowerInvariant();
        text = text.TrimStart('\u00ef', '\u00bb', '\u00bf', ' ', '\t', '\r', '\n');
        return text.StartsWith("<!doctype html", StringComparison.Ordinal) || text.StartsWith("<html", StringComparison.Ordinal);
    }

    /// <summary>Reads its beginning.</summary>
    public static async Task<WebPage> ReadAsync(HttpResponseMessage answer, CancellationToken cancellation)
    {
        var bytes = new byte[MaxBytes];
        await using var body = await answer.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
        var count = await body.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellation).ConfigureAwait(false);
        return new WebPage(Encoding.UTF8.GetString(bytes, 0, count));
    }

    /// <summary>
    /// Where the form leads by which Google Drive asks whether a file shall be downloaded that is too large for its virus scanner; null for
    /// other pages. The form has the id <c>download-form</c> and a hidden field <c>confirm</c>, and all its fields belong into the address.
    /// </summary>
    public Uri? Confirmation(Uri page)
    {
        var form = Form().Matches(_html).FirstOrDefault(match => Attribute(match.Value, "id") == "download-form");
        if (form is null || Attribute(form.Value, "action") is not { } action || !Uri.TryCreate(page, action, out var target))
            return null;
        var end = _html.IndexOf("</form", form.Index, StringComparison.OrdinalIgnoreCase);
        var fields = Input().Matches(_html[form.Index..(end < 0 ? _html.Length : end)])
            .Select(match => (Name: Attribute(match.Value, "name"), Value: Attribute(match.Value, "value") ?? ""))
            .Where(field => !string.IsNullOrEmpty(field.Name)).ToList();
        // As with redirections, what began encrypted stays so.
        var isSafe = target.Scheme == Uri.UriSchemeHttps || target.Scheme == page.Scheme;
        if (!isSafe || fields.All(field => field.Name != "confirm"))
            return null;
        var query = fields.Select(field => $"{Uri.EscapeDataString(field.Name!)}={Uri.EscapeDataString(field.Value)}");
        return new UriBuilder(target) { Query = string.Join('&', query) }.Uri;
    }

    private static string? Attribute(string element, string name) =>
        Attributes().Matches(element).FirstOrDefault(match => match.Groups[1].Value.Equals(name, StringComparison.OrdinalIgnoreCase)) is { } found
            ? WebUtility.HtmlDecode(found.Groups["value"].Value)
            : null;

    // None of these can take long on a hostile page: each stops at the next angle bracket or quotation mark, or after 20 letters.
    [GeneratedRegex("<title[^<>]*>([^<]{0,200})", RegexOptions.IgnoreCase)]
    private static partial Regex TitleElement();

    [GeneratedRegex("<form\\b[^<>]*>", RegexOptions.IgnoreCase)]
    private static partial Regex Form();

    [GeneratedRegex("<input\\b[^<>]*>", RegexOptions.IgnoreCase)]
    private static partial Regex Input();

    [GeneratedRegex("([a-z-]{1,20})\\s*=\\s*(?:\"(?<value>[^\"]*)\"|'(?<value>[^']*)')", RegexOptions.IgnoreCase)]
    private static partial Regex Attributes();
}
