using System.Web;

namespace GenIsp.Downloads;

/// <summary>Links of Google Drive, which lead to a page about a file and not to the file.</summary>
internal static class GoogleDrive
{
    /// <summary>The address of the file itself; other addresses stay as they are.</summary>
    /// <exception cref="GenIspException">The link is of a folder.</exception>
    public static Uri FileAddress(Uri address)
    {
        if (!address.Host.Equals("drive.google.com", StringComparison.OrdinalIgnoreCase))
            return address;
        if (address.Segments.Contains("folders/"))
        {
            throw new GenIspException(
                $"{address} is a folder of Google Drive. Open it in a browser, and give the link of each file in it (Share, Copy link).");
        }
        var query = HttpUtility.ParseQueryString(address.Query);
        // drive.google.com/file/d/ID/view, drive.google.com/open?id=ID and drive.google.com/uc?id=ID
        var id = address.Segments is [_, "file/", "d/", var segment, ..] ? segment.TrimEnd('/') : query["id"];
        if (string.IsNullOrEmpty(id))
            return address;
        var key = query["resourcekey"] is { } resource ? $"&resourcekey={Uri.EscapeDataString(resource)}" : "";
        return new Uri($"https://drive.google.com/uc?export=download&id={Uri.EscapeDataString(id)}{key}");
    }
}
