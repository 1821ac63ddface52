namespace GenIsp.Downloads;

/// <summary>A file to download.</summary>
/// <param name="Address">Where it is: http or https. Links to files of Google Drive will do.</param>
/// <param name="Path">The file to write. Until all is there and verified, it is called <c>PATH.part</c>.</param>
public sealed record DownloadRequest(Uri Address, string Path)
{
    /// <summary>How many bytes it must have, if that is known.</summary>
    public long? Size { get; init; }

    /// <summary>The SHA-256 that it must have, as 64 hexadecimal digits, if that is known.</summary>
    public string? Sha256 { get; init; }

    /// <summary>The request for known weights.</summary>
    public static DownloadRequest Of(KnownWeights weights) =>
        new(weights.Address, weights.Path) { Size = weights.Size, Sha256 = weights.Sha256 };
}
