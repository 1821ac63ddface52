using System.IO.Compression;
using System.Runtime.InteropServices;
using GenIsp.Weights;
using static GenIsp.Tests.Weights.WeightsFixture;

namespace GenIsp.Tests.Weights;

/// <summary>Checkpoints that no PyTorch wrote.</summary>
public sealed class HostilePthTests
{
    private static readonly byte[] Storage = MemoryMarshal.AsBytes<float>(Formula(6)).ToArray();

    [Fact]
    public void The_hand_made_checkpoint_of_these_tests_is_read_when_it_is_honest() =>
        With(OneTensor(Storage, 6, 1, [2, 2], [2, 1]), PthFile.Read)["w"].ShouldBe(TensorType.Float32, [2, 2], Formula(6)[1..5]);

    [Theory]
    [InlineData(0, 7, 1)]
    [InlineData(3, 4, 1)]
    [InlineData(0, 2, 6)]
    [InlineData(6, 1, 1)]
    [InlineData(int.MaxValue, 1, 1)]
    [InlineData(0, 2, int.MaxValue)]
    public void A_tensor_that_reaches_beyond_its_storage_is_refused(int offset, int length, int stride) =>
        ErrorOf(OneTensor(Storage, 6, offset, [length], [stride]), PthFile.Read).ShouldContain("beyond the 6 elements");

    [Theory]
    [InlineData(-1, 1, 1)]
    [InlineData(0, -1, 1)]
    [InlineData(0, 1, -1)]
    public void Negative_offsets_dimensions_and_strides_are_refused(int offset, int length, int stride) =>
        ErrorOf(OneTensor(Storage, 6, offset, [length], [stride]), PthFile.Read).ShouldContain("_rebuild_tensor_v2");

    [Fact]
    public void A_scalar_beyond_its_storage_is_refused() =>
        ErrorOf(OneTensor(Storage, 6, 6, [], []), PthFile.Read).ShouldContain("beyond");

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_small_file_can_not_ask_for_a_large_tensor(int rank)
    {
        var error = ErrorOf(
            OneTensor(Storage, 6, 0, [.. Enumerable.Repeat(int.MaxValue, rank)], new int[rank]), PthFile.Read);

        error.ShouldContain("more memory");
    }

    [Fact]
    public void Many_tensors_that_are_small_alone_can_not_ask_for_much_together()
    {
        var pickle = new Pickle().Op('}');
        for (var i = 0; i < 100; i++)
            pickle.Text($"w{i}").Tensor("FloatStorage", "0", 6, 0, [1 << 20], [0]).Op('s');

        ErrorOf(Zip(("x/data.pkl", pickle.Stop()), ("x/data/0", Storage)), PthFile.Read).ShouldContain("more memory");
    }

    [Theory]
    [InlineData(5)]
    [InlineData(7)]
    [InlineData(int.MaxValue)]
    public void A_storage_of_another_length_than_it_claims_is_refused(int claimed) =>
        ErrorOf(OneTensor(Storage, claimed, 0, [1], [1]), PthFile.Read).ShouldContain($"not {claimed} elements of 4");

    [Fact]
    public void A_missing_storage_is_named() =>
        ErrorOf(Zip(("x/data.pkl", new Pickle().OneTensor(6, 0, [6], [1]).Stop())), PthFile.Read).ShouldContain("storage 0 is missing");

    [Fact]
    public void A_storage_that_is_named_as_two_types_is_refused()
    {
        var pickle = new Pickle().OneTensor(6, 0, [6], [1]).Text("v").Tensor("IntStorage", "0", 6, 0, [6], [1]).Op('s').Stop();

        ErrorOf(Zip(("x/data.pkl", pickle), ("x/data/0", Storage)), PthFile.Read).ShouldContain("two ways");
    }

    [Fact]
    public void A_key_that_stands_twice_is_refused()
    {
        var pickle = new Pickle().OneTensor(6, 0, [6], [1]).Text("w").Tensor("FloatStorage", "0", 6, 0, [6], [1]).Op('s').Stop();

        ErrorOf(Zip(("x/data.pkl", pickle), ("x/data/0", Storage)), PthFile.Read).ShouldContain("w twice");
    }

    [Fact]
    public void Big_endian_storages_are_turned()
    {
        var turned = Formula(6).SelectMany(value => BitConverter.GetBytes(value).Reverse()).ToArray();
        var file = Zip(
            ("x/data.pkl", new Pickle().OneTensor(6, 0, [6], [1]).Stop()), ("x/byteorder", "big"u8.ToArray()), ("x/data/0", turned));

        With(file, PthFile.Read)["w"].ShouldBe(TensorType.Float32, [6], Formula(6));
    }

    [Fact]
    public void Deflated_entries_are_read_but_a_bomb_is_refused()
    {
        var pickle = new Pickle().OneTensor(1 << 20, 0, [1 << 20], [1]).Stop();
        var honest = Zip(CompressionLevel.Optimal, ("x/data.pkl", pickle), ("x/data/0", new byte[4 << 20]));
        var tiny = new Pickle().OneTensor(20 << 20, 0, [1], [1]).Stop();
        var bomb = Zip(CompressionLevel.Optimal, ("x/data.pkl", tiny), ("x/data/0", new byte[80 << 20]));

        With(honest, PthFile.Read)["w"].Count.ShouldBe(1 << 20);
        ErrorOf(bomb, PthFile.Read).ShouldContain("more memory");
    }

    [Fact]
    public void A_legacy_file_that_claims_a_storage_it_lacks_is_refused()
    {
        ErrorOf(Legacy(0, 6, stored: 6)[..^1], PthFile.Read).ShouldContain("cut off");
        ErrorOf(Legacy(0, 6, stored: 6)[..^25], PthFile.Read).ShouldContain("cut off");
        ErrorOf(Legacy(0, 6, stored: 5), PthFile.Read).ShouldContain("has 5 elements, not 6");
        ErrorOf(Legacy(0, 6, stored: long.MaxValue), PthFile.Read).ShouldContain("elements, not 6");
        ErrorOf(Legacy(0, 6, stored: 6, key: "8"), PthFile.Read).ShouldContain("not that of the tensors");
    }

    [Fact]
    public void Views_of_the_oldest_legacy_files_are_read_and_bounded()
    {
        With(Legacy(2, 3, stored: 6), PthFile.Read)["w"].ShouldBe(TensorType.Float32, [2], Formula(6)[3..5]);
        ErrorOf(Legacy(2, 2, stored: 6), PthFile.Read).ShouldContain("beyond the 2 elements");
        ErrorOf(Legacy(2, 5, stored: 6), PthFile.Read).ShouldContain("described in an unknown way");
    }

    // "w" is elements 1 and 2 of a view, of the given place, of a storage "7" of 6 elements. A real file's start says what it is.
    private static byte[] Legacy(int start, int length, long stored, string key = "7")
    {
        var head = System.IO.File.ReadAllBytes(WeightsFixture.File("plain.legacy.pth"))[..137];
        var content = new Pickle().Op('}').Text("w").Global("torch._utils", "_rebuild_tensor").Op('(')
            .Op('(').Text("storage").Global("torch", "FloatStorage").Text("7").Text("cpu").Int(6)
            .Op('(').Text("8").Int(start).Int(length).Op('t').Op('t').Op('Q').Int(1).Ints(2).Ints(1).Op('t').Op('R').Op('s').Stop();
        return [.. head, .. content, .. new Pickle().Op(']').Text(key).Op('a').Stop(), .. BitConverter.GetBytes(stored), .. Storage];
    }

    [Theory]
    [InlineData("os", "system")]
    [InlineData("builtins", "eval")]
    [InlineData("torch.storage", "_load_from_bytes")]
    [InlineData("torch._utils", "_rebuild_tensor_v3")]
    [InlineData("torch", "load")]
    public void Every_name_that_is_not_known_as_harmless_is_refused(string module, string name)
    {
        ErrorOf(Zip(("x/data.pkl", new Pickle().Global(module, name).Stop())), PthFile.Read).ShouldContain($"{module}.{name}");
        var onStack = new Pickle().Text(module).Text(name).Op(0x93).Stop();
        ErrorOf(Zip(("x/data.pkl", onStack)), PthFile.Read).ShouldContain($"{module}.{name}");
    }

    [Fact]
    public void Harmless_names_stay_inert_when_they_are_called()
    {
        var pickle = new Pickle().Op('}')
            .Text("args").Global("argparse", "Namespace").Op(')').Op(0x81).Op('}').Text("rate").Int(1).Op('s').Op('b').Op('s')
            .Text("model").OneTensor(6, 0, [6], [1]).Op('s').Stop();

        With(Zip(("x/data.pkl", pickle), ("x/data/0", Storage)), PthFile.Read).Keys.ShouldBe(["w"]);
    }

    [Fact]
    public void Deep_nesting_loops_and_repeated_growth_end_in_an_error()
    {
        string Error(Pickle pickle) => ErrorOf(Zip(("x/data.pkl", pickle.Stop())), PthFile.Read);

        var nested = new Pickle();
        for (var i = 0; i < 500_000; i++)
            nested.Op(']');
        for (var i = 1; i < 500_000; i++)
            nested.Op('a');
        Error(nested).ShouldContain("it is a list");

        Error(new Pickle().Op('}').Op('q').Op(0).Text("model").Op('h').Op(0).Op('s')).ShouldContain("\"model\" in it is a dictionary");

        // Each OrderedDict copies the 1000 pairs of the one list.
        var growing = new Pickle().Op(']').Op('(');
        for (var i = 0; i < 1000; i++)
            growing.Op(']').Op('(').Int(1).Int(2).Op('e');
        growing.Op('e').Op(0x85).Op('q').Op(0).Global("collections", "OrderedDict").Op('q').Op(1);
        for (var i = 0; i < 10_000; i++)
            growing.Op('h').Op(1).Op('h').Op(0).Op('R');
        Error(growing).ShouldContain("steps");

        var marks = new Pickle();
        for (var i = 0; i < 2_100_000; i++)
            marks.Op('(');
        Error(marks).ShouldContain("steps");
    }

    [Theory]
    [InlineData("58ffffffff")] // A text of 4 GB.
    [InlineData("54ffffffff")] // A string of -1 bytes.
    [InlineData("8a05")] // An integer that is cut off.
    [InlineData("6a01000000")] // A memo that was never set.
    [InlineData("7100")] // Nothing to remember.
    [InlineData("30")] // Nothing to pop.
    [InlineData("74")] // No mark.
    [InlineData("2830")] // A pop through a mark.
    [InlineData("7d5d73")] // A key without a value.
    [InlineData("294e62")] // Attributes of a tuple.
    [InlineData("4e4e52")] // None called.
    [InlineData("4e51")] // None as a storage.
    [InlineData("4e4e61")] // An append to None.
    [InlineData("8009")] // Protocol 9.
    [InlineData("69")] // INST.
    [InlineData("50")] // PERSID.
    [InlineData("636f73")] // A name that is cut off.
    [InlineData("4e4e93")] // A name of None.
    public void Broken_pickles_are_refused(string opcodes) =>
        ErrorOf(Zip(("x/data.pkl", new Pickle().Op(Convert.FromHexString(opcodes)).Stop())), PthFile.Read).ShouldContain("damaged");

    [Fact]
    public void Other_zips_and_pickles_are_told_apart_from_checkpoints()
    {
        ErrorOf(Zip(("readme.txt", [1])), PthFile.Read).ShouldContain("no data.pkl");
        ErrorOf(Zip(("x/data.pkl", new Pickle().Op('}').Stop()), ("x/data.pkl", [])), PthFile.Read).ShouldContain("twice");
        ErrorOf(Zip(("x/data.pkl", new Pickle().Op('}').Stop())), PthFile.Read).ShouldContain("it is empty");
        ErrorOf(new Pickle().Int(1).Stop(), PthFile.Read).ShouldContain("no PyTorch checkpoint");
        ErrorOf([1, 2, 3], PthFile.Read).ShouldContain("no PyTorch checkpoint");
        ErrorOf([.. "PK\x03\x04"u8], PthFile.Read).ShouldContain("damaged or cut off");
    }
}
