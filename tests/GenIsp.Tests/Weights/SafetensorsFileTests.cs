using System.Buffers.Binary;
using System.Text;
using GenIsp.Weights;
using static GenIsp.Tests.Weights.WeightsFixture;

namespace GenIsp.Tests.Weights;

public sealed class SafetensorsFileTests
{
    private const string OneFloat = """{"dtype":"F32","shape":[1],"data_offsets":[0,4]}""";

    [Fact]
    public void A_file_of_another_writer_is_read_with_every_element_type_and_its_metadata()
    {
        var state = SafetensorsFile.Read(WeightsFixture.File("types.safetensors"));
        var same = PthFile.Read(WeightsFixture.File("types.zip.pth"));

        state.Metadata.ShouldBe(new Dictionary<string, string> { ["isp"] = "genisp", ["note"] = "Ω" });
        state.Keys.ShouldBe(same.Keys);
        foreach (var (name, tensor) in state)
        {
            tensor.ShouldBe(same[name].Type, [2, 5], same[name].ToSingles());
            tensor.Bytes.ToArray().ShouldBe(same[name].Bytes.ToArray(), name);
        }
    }

    [Fact]
    public void A_file_holds_the_header_s_length_the_header_and_the_bytes()
    {
        var state = new StateDict { Metadata = { ["k"] = "v" }, ["a"] = new(TensorType.UInt8, [3], new byte[] { 1, 2, 3 }) };
        state["b"] = TensorData.FromSingles([1.5f]);

        var bytes = Written(state);

        var length = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        (length % 8).ShouldBe(0);
        Encoding.UTF8.GetString(bytes, 8, length).TrimEnd().ShouldBe(
            """{"__metadata__":{"k":"v"},"a":{"dtype":"U8","shape":[3],"data_offsets":[4,7]},"b":"""
            + """{"dtype":"F32","shape":[],"data_offsets":[0,4]}}""");
        bytes[(8 + length)..].ShouldBe([.. BitConverter.GetBytes(1.5f), 1, 2, 3]);
    }

    [Fact]
    public void Writing_replaces_a_file_as_a_whole_and_leaves_nothing_beside_it() => InFolder(folder =>
    {
        var path = Path.Combine(folder, "isp.safetensors");
        System.IO.File.WriteAllBytes(path, [1, 2, 3]);
        SafetensorsFile.Write(path, new() { ["a"] = TensorData.FromSingles([1], 1) });

        Directory.GetFiles(folder).ShouldBe([path]);
        SafetensorsFile.Read(path).Keys.ShouldBe(["a"]);
    });

    [Fact]
    public void Writing_where_nothing_can_be_written_says_so() => InFolder(folder =>
        Should.Throw<GenIspException>(() => SafetensorsFile.Write(Path.Combine(folder, "none", "isp.safetensors"), new()))
            .Message.ShouldContain("can't be written"));

    [Theory]
    [InlineData("[]", 0, "no JSON object")]
    [InlineData("{", 0, "damaged")]
    [InlineData("""{"a":1}""", 0, "lacks a dtype")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1]}}""", 4, "lacks a dtype")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", 4, "lacks a dtype")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}""", 4, "lacks a dtype")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}""", 4, "lacks a dtype")]
    [InlineData("""{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}}""", 4, "lacks a dtype")]
    [InlineData("""{"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}""", 1, "F8_E4M3")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 4, "can't be what lies")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""", 4, "can't be what lies")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4611686018427387904,4],"data_offsets":[0,0]}}""", 0, "can't be what lies")]
    [InlineData("""{"a":{"dtype":"U8","shape":[9223372036854775807],"data_offsets":[0,9223372036854775807]}}""", 4, "cut off")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "what is before it ends at 0")]
    [InlineData($$"""{"a":{{OneFloat}},"b":{{OneFloat}}}""", 4, "what is before it ends at 4")]
    [InlineData($$"""{"a":{{OneFloat}}}""", 3, "cut off")]
    [InlineData($$"""{"a":{{OneFloat}}}""", 5, "5 bytes of data")]
    [InlineData($$"""{"a":{{OneFloat}},"a":{{OneFloat}}}""", 4, "damaged")]
    [InlineData($$"""{"\ud800":{{OneFloat}}}""", 4, "damaged")]
    [InlineData("""{"__metadata__":{"a":1}}""", 0, "no string")]
    [InlineData("""{"__metadata__":"a"}""", 0, "no JSON object")]
    public void A_header_that_lies_is_refused(string header, int dataLength, string what) =>
        ErrorOf(File(header, dataLength), SafetensorsFile.Read).ShouldContain(what);

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(3)]
    [InlineData(100_000_001)]
    [InlineData(long.MaxValue)]
    public void A_header_longer_than_the_file_is_refused(long length) =>
        ErrorOf([.. BitConverter.GetBytes(length), .. "{}"u8], SafetensorsFile.Read).ShouldContain("claims a header");

    [Fact]
    public void A_header_of_deep_or_invalid_text_is_refused()
    {
        ErrorOf(File(new string('[', 100_000), 0), SafetensorsFile.Read).ShouldContain("damaged");
        ErrorOf([.. BitConverter.GetBytes(9L), .. "{\"a"u8, 0xff, .. "\":{}}"u8], SafetensorsFile.Read).ShouldContain("damaged");
    }

    private static byte[] File(string header, int dataLength)
    {
        var text = Encoding.UTF8.GetBytes(header);
        return [.. BitConverter.GetBytes((long)text.Length), .. text, .. new byte[dataLength]];
    }

    private static byte[] Written(StateDict state) => With([], path =>
    {
        SafetensorsFile.Write(path, state);
        return System.IO.File.ReadAllBytes(path);
    });
}
