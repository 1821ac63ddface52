namespace GenIsp.Downloads;

/// <summary>How many bytes more an archive may become: a small one that would fill the disk is an attack.</summary>
internal sealed class UnpackBudget(string path, long length)
{
    // Photos do not shrink, annotations shrink to a tenth. Whatever it is, so much does no harm.
    private const long Harmless = 100_000_000;
    private const long MaxRatio = 200;

    private long _left = Harmless + (length * MaxRatio);

    /// <summary>Takes so many bytes.</summary>
    /// <exception cref="GenIspException">That is too many.</exception>
    public void Spend(long bytes)
    {
        Require(bytes);
        _left -= bytes;
    }

    /// <summary>Makes sure that so many bytes may come.</summary>
    /// <exception cref="GenIspException">That is too many.</exception>
    public void Require(long bytes)
    {
        // Not the sum: a hostile length may be as large as a number can be.
        if (bytes > _left)
        {
            throw new GenIspException(
                $"{path} has {ByteSize.Text(length)} and would become more than {ByteSize.Text(Harmless + (length * MaxRatio))}. "
                + "No data set shrinks like that: it is an attack on the disk.");
        }
    }
}

/// <summary>Reads from an archive, counts, and says in words what is damaged.</summary>
internal sealed class ArchiveStream(Stream inner, string path, UnpackBudget budget) : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(Span<byte> buffer)
    {
        int count;
        try
        {
            count = inner.Read(buffer);
        }
        catch (Exception error) when (ArchiveEntry.IsDamage(error))
        {
            throw ArchiveEntry.Damaged(path, error);
        }
        budget.Spend(count);
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            inner.Dispose();
        base.Dispose(disposing);
    }
}
