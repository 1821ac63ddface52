using CsCheck;
using GenIsp.Weights;
using static GenIsp.Tests.Weights.WeightsFixture;

namespace GenIsp.Tests.Weights;

public sealed class WeightsPropertyTests
{
    private static readonly Gen<TensorData> Tensors =
        from type in Gen.Enum<TensorType>()
        from shape in Gen.Long[0, 4].Array[0, 4]
        from bytes in Gen.Byte.Array[(int)TensorData.ByteCount(type, shape)!.Value]
        select new TensorData(type, shape, bytes);

    private static readonly Gen<string> Texts = Gen.Char["abc.0\"\\/Ω<\n"].Array[0, 6].Select(characters => new string(characters));

    [Fact]
    public void What_is_written_as_safetensors_is_read_back_the_same() => InFolder(folder =>
        Gen.Select(Gen.Dictionary(Texts, Tensors)[0, 6], Gen.Dictionary(Texts, Texts)[0, 3]).Sample((tensors, metadata) =>
        {
            var path = Path.Combine(folder, Guid.NewGuid().ToString("N"));
            var state = new StateDict();
            foreach (var (name, tensor) in tensors)
                state[name] = tensor;
            foreach (var (key, value) in metadata)
                state.Metadata[key] = value;

            SafetensorsFile.Write(path, state);
            var read = WeightsFile.Read(path);

            read.Keys.ShouldBe(state.Keys);
            read.Metadata.ShouldBe(state.Metadata);
            foreach (var (name, tensor) in state)
            {
                read[name].Type.ShouldBe(tensor.Type);
                read[name].Shape.ShouldBe(tensor.Shape);
                read[name].Bytes.Span.SequenceEqual(tensor.Bytes.Span).ShouldBeTrue();
            }
            System.IO.File.Delete(path);
        }, iter: 200));

    public static TheoryData<string> Fixtures => [.. Directory.GetFiles(Folder).Select(path => Path.GetFileName(path)).Order()];

    [Theory, MemberData(nameof(Fixtures))]
    public void A_file_that_is_cut_off_or_changed_is_read_or_refused_and_nothing_else(string fixture) => InFolder(folder =>
    {
        var whole = System.IO.File.ReadAllBytes(WeightsFixture.File(fixture));
        var changes = Gen.Select(Gen.Int[0, whole.Length - 1], Gen.Byte).Array[0, 8];
        Gen.Select(Gen.Frequency((2, Gen.Const(whole.Length)), (1, Gen.Int[0, whole.Length])), changes).Sample((length, flips) =>
        {
            var bytes = whole.ToArray();
            foreach (var (index, mask) in flips)
                bytes[index] ^= mask;
            var path = Path.Combine(folder, Guid.NewGuid().ToString("N"));
            System.IO.File.WriteAllBytes(path, bytes[..length]);
            try
            {
                WeightsFile.Read(path);
            }
            catch (GenIspException error)
            {
                error.Message.ShouldContain(path);
            }
            System.IO.File.Delete(path);
        }, iter: 300);
    });
}
