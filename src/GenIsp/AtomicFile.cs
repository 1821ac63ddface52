namespace GenIsp;

/// <summary>Writes files so that nobody ever sees half of one.</summary>
internal static class AtomicFile
{
    /// <summary>Of files that are being written.</summary>
    public const string Ending = ".part";

    /// <summary>Writes to another name in the same folder, and renames when all is on the disk. On failure nothing is left.</summary>
    /// <param name="path">The file.</param>
    /// <param name="write">Writes its content.</param>
    /// <param name="durable">False where losing the file with the machine's power does no harm: then the disk is not waited for.</param>
    /// <exception cref="GenIspException">The folder can't be written to, or the disk is full.</exception>
    public static void Write(string path, Action<Stream> write, bool durable = true)
    {
        var temporary = $"{path}.{Guid.NewGuid():N}{Ending}";
        try
        {
            try
            {
                using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write))
                {
                    write(stream);
                    stream.Flush(flushToDisk: durable);
                }
                File.Move(temporary, path, overwrite: true);
            }
            finally
            {
                File.Delete(temporary);
            }
        }
        catch (DirectoryNotFoundException error)
        {
            throw new GenIspException($"{path} can't be written: its folder does not exist.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The system's words name the temporary file, which nobody has heard of.
            var reason = error.Message.Replace(temporary, path, StringComparison.Ordinal);
            throw new GenIspException($"{path} can't be written: {reason}", error);
        }
    }
}
