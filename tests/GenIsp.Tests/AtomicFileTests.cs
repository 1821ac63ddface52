namespace GenIsp.Tests;

public sealed class AtomicFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_missing_folder_is_named_in_plain_words()
    {
        var path = _folder["missing/state"];

        Should.Throw<GenIspException>(() => AtomicFile.Write(path, stream => stream.WriteByte(1)))
            .Message.ShouldBe($"{path} can't be written: its folder does not exist.");
    }

    [Fact]
    public void A_disk_that_gets_full_leaves_the_file_before_and_nothing_else()
    {
        var path = _folder["state"];
        AtomicFile.Write(path, stream => stream.Write("whole"u8));

        var error = Should.Throw<GenIspException>(() => AtomicFile.Write(path, stream =>
        {
            stream.Write("ha"u8);
            throw new IOException($"No space left on device : '{((FileStream)stream).Name}'");
        }));

        error.Message.ShouldBe($"{path} can't be written: No space left on device : '{path}'");
        File.ReadAllText(path).ShouldBe("whole");
        Directory.GetFileSystemEntries(_folder.Root).ShouldBe([path]);
    }
}
