namespace GenIsp;

/// <summary>Writes files so that a reader never sees half of one.</summary>
internal static class AtomicFile
{
    /// <summary>Writes to a temporary name in the same folder, and renames when all is written. On failure nothing is left.</summary>
    /// <exception cref="GenIspException">The folder can't be written to, or the disk is full.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        var temporary = $"{path}.{Environment.ProcessId}.tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None))
                write(stream);
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception e)
        {
            File.Delete(temporary);
            if (e is IOException or UnauthorizedAccessException)
                throw new GenIspException($"{path} can't be written: {e.Message}", e);
            throw;
        }
    }
}
