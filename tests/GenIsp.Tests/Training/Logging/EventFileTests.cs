using GenIsp.Geometry;
using GenIsp.Imaging;
using GenIsp.Training.Logging;
using GenIsp.Training.Logging.Proto;

namespace GenIsp.Tests.Training.Logging;

public sealed class EventFileTests : IDisposable
{
    private static readonly DateTimeOffset Began = DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_250);
    private static readonly DateTimeOffset Resumed = DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_360_125);
    private static readonly RgbImage Night = new(
        [
            0, 102 / 255f, 3, 0, 0, 10 / 255f,
            1, 153 / 255f, 0, 1, 0, 20 / 255f,
            51 / 255f, 204 / 255f, -1, 0, 1, 30 / 255f,
        ],
        new Frame(3, 2));

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Scalars_are_byte_for_byte_those_of_the_reference()
    {
        string path;
        using (var file = Open(0, Began))
        {
            path = file.Path;
            file.Scalars(0, ("loss/total", 1.5), ("loss/box", 0), ("größe", -2.25e-3));
            file.Scalars(7, ("lr", 1e-3), ("loss/total", double.PositiveInfinity));
        }

        Path.GetFileName(path).ShouldBe("events.out.tfevents.1700000000.genisp");
        File.ReadAllBytes(path).ShouldBe(EventReference.Records("fresh").Take(3).SelectMany(record => record));
    }

    [Fact]
    public void A_picture_has_the_fields_of_the_reference_and_its_pixels()
    {
        using (var file = Open(0, Began))
            file.Image(7, "val/night", Night);

        var written = Records(File.ReadAllBytes(Files().Single()))[^1];
        var expected = Parse(EventReference.Records("fresh")[^1]);
        var picture = Parse(written).Summary.Value.Single().Image;
        var expectedPicture = expected.Summary.Value.Single().Image;
        Pixels(picture).ShouldBe(Pixels(expectedPicture));
        expectedPicture.EncodedImageString = picture.EncodedImageString;
        Parse(written).ShouldBe(expected);
        BitConverter.ToUInt32(written.AsSpan(^4)).ShouldBe(Crc32C.Masked(written.AsSpan(12..^4)));
    }

    [Fact]
    public void A_resumed_run_tells_TensorBoard_where_it_goes_on()
    {
        using (Open(0, Began))
        {
        }
        using (var file = Open(5, Resumed))
            file.Scalars(3_000_000_000, ("loss/total", 1.25));

        File.ReadAllBytes(Files()[^1]).ShouldBe(EventReference.Records("resumed").SelectMany(record => record));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-3600)]
    public void A_later_file_comes_later_in_the_order_of_names_whatever_the_clock_says(int seconds)
    {
        for (var i = 0; i < 3; i++)
        {
            using var file = Open(0, Began.AddSeconds(i * seconds));
            file.Path.ShouldBe(Files()[^1]);
        }
        Files().Length.ShouldBe(3);
    }

    [Fact]
    public void Others_read_what_is_flushed_while_the_run_goes_on()
    {
        using var file = Open(0, Began);
        file.Scalars(0, ("loss/total", 1.5), ("loss/box", 0), ("größe", -2.25e-3));
        file.Flush();

        using var reader = new FileStream(file.Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        reader.Length.ShouldBe(EventReference.Records("fresh").Take(2).Sum(record => record.Length));
    }

    [Fact]
    public void A_folder_that_cannot_be_made_is_named()
    {
        File.WriteAllText(_folder["taken"], "");

        Should.Throw<GenIspException>(() => EventFile.Open(_folder["taken"], 0, TimeProvider.System))
            .Message.ShouldStartWith($"{_folder["taken"]} can't be written to: ");
    }

    private EventFile Open(long firstStep, DateTimeOffset now) => EventFile.Open(_folder["run"], firstStep, new StoppedClock(now));

    private string[] Files() => [.. Directory.GetFiles(_folder["run"]).Order(StringComparer.Ordinal)];

    private float[] Pixels(Image picture)
    {
        File.WriteAllBytes(_folder["picture.png"], picture.EncodedImageString.ToByteArray());
        return PictureFile.Read(_folder["picture.png"]).Pixels.ToArray();
    }

    private static List<byte[]> Records(byte[] file)
    {
        var records = new List<byte[]>();
        for (var at = 0; at < file.Length; at += records[^1].Length)
            records.Add(file[at..(at + 16 + (int)BitConverter.ToUInt64(file, at))]);
        return records;
    }

    private static Event Parse(byte[] record) => Event.Parser.ParseFrom(record.AsSpan(12..^4));

    private sealed class StoppedClock(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
