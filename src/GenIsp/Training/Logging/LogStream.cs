namespace GenIsp.Training.Logging;

/// <summary>A file that grows while others read it. Whatever the disk refuses is said with the file's name.</summary>
internal sealed class LogStream : IDisposable
{
    private readonly FileStream _file;

    /// <exception cref="GenIspException">The file can't be opened.</exception>
    public LogStream(string path, FileMode mode)
    {
        Path = path;
        try
        {
            _file = new FileStream(path, mode, FileAccess.Write, FileShare.Read);
        }
        catch (Exception error) when (IsRefusal(error))
        {
            throw CantBeWritten(error);
        }
    }

    public string Path { get; }

    /// <exception cref="GenIspException">The disk is full or gone.</exception>
    public void Write(byte[] bytes) => Try(() => _file.Write(bytes));

    /// <summary>Hands everything to the system: it outlives this process.</summary>
    /// <exception cref="GenIspException">The disk is full or gone.</exception>
    public void Flush() => Try(_file.Flush);

    /// <exception cref="GenIspException">The disk is full or gone.</exception>
    public void Dispose() => Try(_file.Dispose);

    private void Try(Action action)
    {
        try
        {
            action();
        }
        catch (Exception error) when (IsRefusal(error))
        {
            throw CantBeWritten(error);
        }
    }

    private static bool IsRefusal(Exception error) => error is IOException or UnauthorizedAccessException;

    private GenIspException CantBeWritten(Exception error) => new($"{Path} can't be written: {error.Message}", error);
}
