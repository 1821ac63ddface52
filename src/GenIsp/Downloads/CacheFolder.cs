namespace GenIsp.Downloads;

/// <summary>Where downloads are kept that any run may use.</summary>
public static class CacheFolder
{
    /// <summary>
    /// The platform's folder for caches: on Linux <c>$XDG_CACHE_HOME/genisp</c> or <c>~/.cache/genisp</c>, on macOS
    /// <c>~/Library/Caches/genisp</c>, on Windows <c>%LOCALAPPDATA%\genisp\cache</c>. It need not exist. XDG_CACHE_HOME counts everywhere
    /// if it is set to a full path: others are ignored, as the XDG Base Directory Specification says.
    /// </summary>
    /// <exception cref="GenIspException">The user has no home.</exception>
    public static string Path
    {
        get
        {
            if (Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { } chosen && System.IO.Path.IsPathFullyQualified(chosen))
                return System.IO.Path.Combine(chosen, "genisp");
            var home = Environment.GetFolderPath(
                OperatingSystem.IsWindows() ? Environment.SpecialFolder.LocalApplicationData : Environment.SpecialFolder.UserProfile);
            if (home.Length == 0)
                throw new GenIspException("This user has no home folder for a cache. Set XDG_CACHE_HOME to the full path of a folder.");
            return OperatingSystem.IsWindows() ? System.IO.Path.Combine(home, "genisp", "cache")
                : OperatingSystem.IsMacOS() ? System.IO.Path.Combine(home, "Library", "Caches", "genisp")
                : System.IO.Path.Combine(home, ".cache", "genisp");
        }
    }
}
