namespace GenIsp;

/// <summary>Opens files of the user's, and says in words why one can't be.</summary>
internal static class InputFiles
{
    /// <summary>Opens a file to read. Symbolic links are followed, and the stream knows the true length.</summary>
    /// <param name="path">The file.</param>
    /// <param name="share">What others may do meanwhile: a log may grow.</param>
    /// <exception cref="GenIspException">It is missing, a folder, or unreadable.</exception>
    public static FileStream Open(string path, FileShare share = FileShare.Read)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, share);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new GenIspException($"{path} does not exist.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new GenIspException(
                Directory.Exists(path) ? $"{path} is a folder, and a file is needed." : $"{path} can't be read: {error.Message}", error);
        }
    }

    /// <summary>All bytes of a file.</summary>
    /// <exception cref="GenIspException">It can't be read, or is larger than 2 GB.</exception>
    public static byte[] ReadBytes(string path)
    {
        using var file = Open(path);
        if (file.Length > Array.MaxLength)
            throw new GenIspException($"{path} has {file.Length} bytes, which is too large.");
        var bytes = new byte[file.Length];
        try
        {
            file.ReadExactly(bytes);
        }
        catch (IOException error)
        {
            throw new GenIspException($"{path} can't be read: {error.Message}", error);
        }
        return bytes;
    }

    /// <summary>A text file in UTF-8.</summary>
    /// <exception cref="GenIspException">It can't be read.</exception>
    public static string ReadText(string path)
    {
        using var text = new StreamReader(new MemoryStream(ReadBytes(path)));
        return text.ReadToEnd();
    }
}
