namespace GenIsp.Downloads;

/// <summary>Room on disks.</summary>
internal static class DiskSpace
{
    /// <summary>Makes sure that so many bytes more fit into a folder, as far as the system tells.</summary>
    /// <exception cref="GenIspException">They do not.</exception>
    public static void Require(string folder, long bytes, string what)
    {
        if (Free(folder) is { } free && free < bytes)
        {
            throw new GenIspException(
                $"{folder} has {ByteSize.Text(free)} free, and {what} needs {ByteSize.Text(bytes)}. Make room, and run the same command "
                + "again: it goes on with what is there.");
        }
    }

    private static long? Free(string folder)
    {
        try
        {
            // Windows knows drives only.
            return new DriveInfo(OperatingSystem.IsWindows() ? Path.GetPathRoot(folder)! : folder).AvailableFreeSpace;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }
}
