using System.Net;
using System.Net.Http.Headers;

namespace GenIsp.Downloads;

/// <summary>By what a server's file is told from others, and from its own later versions.</summary>
/// <param name="Address">As the user gave it.</param>
/// <param name="Tag">Its ETag, or null.</param>
/// <param name="Modified">When it last changed, or null.</param>
/// <param name="Size">Its bytes, or null.</param>
internal sealed record RemoteFile(Uri Address, string? Tag, DateTimeOffset? Modified, long? Size)
{
    /// <summary>What an answer with the whole file (200) or a part (206) says of it.</summary>
    public static RemoteFile Of(Uri address, HttpResponseMessage answer)
    {
        var content = answer.Content.Headers;
        var size = answer.StatusCode == HttpStatusCode.PartialContent ? content.ContentRange?.Length : content.ContentLength;
        return new RemoteFile(address, answer.Headers.ETag?.ToString(), content.LastModified, size);
    }

    /// <summary>
    /// Asks for the file from a byte on, but for all of it if it is no longer this file (RFC 9110, sections 13.1.5 and 14.2).
    /// </summary>
    public void AskFrom(long start, HttpRequestHeaders headers)
    {
        headers.Range = new RangeHeaderValue(start, null);
        // A weak ETag may stand for other bytes.
        if (Tag is not null && EntityTagHeaderValue.Parse(Tag) is { IsWeak: false } strong)
            headers.IfRange = new RangeConditionHeaderValue(strong);
        else if (Modified is { } modified)
            headers.IfRange = new RangeConditionHeaderValue(modified);
    }

    /// <summary>How the file differs from what it was, or null where nothing shows a difference.</summary>
    public string? DifferenceFrom(RemoteFile old)
    {
        if (Size is { } size && old.Size is { } oldSize && size != oldSize)
            return $"it had {oldSize} bytes and now has {size}";
        if (Tag is not null && old.Tag is not null)
            return Tag == old.Tag ? null : $"its ETag was {old.Tag} and now is {Tag}";
        return Modified is { } modified && old.Modified is { } oldModified && modified != oldModified
            ? $"it was of {oldModified:u} and now is of {modified:u}"
            : null;
    }
}
