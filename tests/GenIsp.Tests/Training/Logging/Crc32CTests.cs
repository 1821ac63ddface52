using GenIsp.Training.Logging;

namespace GenIsp.Tests.Training.Logging;

public sealed class Crc32CTests
{
    // The check value of the CRC catalogues, and RFC 3720's examples (appendix B.4).
    [Fact]
    public void The_checksum_is_that_of_the_standards()
    {
        Crc32C.Of("123456789"u8).ShouldBe(0xE3069283u);
        Crc32C.Of(new byte[32]).ShouldBe(0x8A9136AAu);
        Crc32C.Of([.. Enumerable.Repeat((byte)0xff, 32)]).ShouldBe(0x62A8AB43u);
        Crc32C.Of([.. Enumerable.Range(0, 32).Select(i => (byte)i)]).ShouldBe(0x46DD794Eu);
    }

    [Fact]
    public void Every_length_agrees_with_a_checksum_taken_bit_by_bit()
    {
        var reference = EventReference.Read()["crc32c"]!;
        var bytes = Convert.FromBase64String((string)reference["bytes"]!);

        Enumerable.Range(0, bytes.Length + 1).Select(n => Crc32C.Of(bytes.AsSpan(0, n)))
            .ShouldBe(reference["of_first"]!.AsArray().Select(crc => (uint)crc!));
    }
}
