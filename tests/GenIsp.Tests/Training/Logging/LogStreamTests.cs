using GenIsp.Training.Logging;

namespace GenIsp.Tests.Training.Logging;

public sealed class LogStreamTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_full_disk_is_said_with_the_name_of_the_file()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux has a device that is always full.");
        File.CreateSymbolicLink(_folder["log"], "/dev/full");
        var stream = new LogStream(_folder["log"], FileMode.Open);
        stream.Write([1]);

        Should.Throw<GenIspException>(stream.Flush).Message.ShouldStartWith($"{_folder["log"]} can't be written: ");
        Should.Throw<GenIspException>(stream.Dispose).Message.ShouldStartWith($"{_folder["log"]} can't be written: ");
    }

    [Fact]
    public void A_folder_that_is_not_there_is_said_with_the_name_of_the_file() =>
        Should.Throw<GenIspException>(() => new LogStream(Path.Combine(_folder["missing"], "log"), FileMode.Append))
            .Message.ShouldStartWith($"{Path.Combine(_folder["missing"], "log")} can't be written: ");
}
