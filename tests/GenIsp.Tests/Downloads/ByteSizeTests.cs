using GenIsp.Downloads;

namespace GenIsp.Tests.Downloads;

public sealed class ByteSizeTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("12345", 12_345)]
    [InlineData("1 B", 1)]
    [InlineData("500MB", 500_000_000)]
    [InlineData("1.5 gb", 1_500_000_000)]
    [InlineData("2kB", 2_000)]
    public void Sizes_are_read_as_people_write_them(string text, long expected)
    {
        ByteSize.TryParse(text, out var bytes).ShouldBeTrue();
        bytes.ShouldBe(expected);
    }

    [Theory]
    [InlineData("")]
    [InlineData("GB")]
    [InlineData("-1")]
    [InlineData("1,5 GB")]
    [InlineData("1 GiB")]
    [InlineData("5 GBM")]
    [InlineData("9000 EB")]
    [InlineData("1e9")]
    [InlineData("NaN")]
    public void What_is_no_size_is_not_read(string text) => ByteSize.TryParse(text, out _).ShouldBeFalse();

    [Fact]
    public void What_is_written_is_read() => ByteSize.TryParse(ByteSize.Text(25e9), out _).ShouldBeTrue();
}
