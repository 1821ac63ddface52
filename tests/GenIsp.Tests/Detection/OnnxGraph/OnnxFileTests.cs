using GenIsp.Detection.OnnxGraph;
using GenIsp.Detection.OnnxGraph.Proto;
using GenIsp.Weights;
using Google.Protobuf;

namespace GenIsp.Tests.Detection.OnnxGraph;

public sealed class OnnxFileTests : IDisposable
{
    private readonly string _path = Path.GetTempFileName();

    public void Dispose() => File.Delete(_path);

    private StateDict Initializers(Action<ModelProto> change, string name = "w")
    {
        var model = new OnnxBuilder(13, 1).RandomWeight(name, 2, 3).Node("Relu", "x", "y").Metadata("author", "nobody").Build();
        change(model);
        File.WriteAllBytes(_path, model.ToByteArray());
        return OnnxFile.ReadInitializers(_path);
    }

    private GenIspException Refused(Action<TensorProto> change) =>
        Should.Throw<GenIspException>(() => Initializers(model => change(model.Graph.Initializer[0])));

    [Fact]
    public void Initializers_and_metadata_are_read()
    {
        var state = Initializers(_ => { });
        state.Keys.ShouldBe(["w"]);
        state["w"].Type.ShouldBe(TensorType.Float32);
        state["w"].Shape.ShouldBe([2, 3]);
        state["w"].ToSingles().ShouldBe(OnnxBuilder.Random(6, 2));
        state.Metadata["author"].ShouldBe("nobody");
    }

    [Fact]
    public void A_real_files_initializers_are_read()
    {
        var state = OnnxFile.ReadInitializers(SharedData.Path("weights/yolox_nano.onnx"));
        state["head.cls_preds.0.weight"].Shape.ShouldBe([80, 64, 1, 1]);
        state["645"].ToInt64s().ShouldBe([long.MaxValue]);
        state["894"].Count.ShouldBe(0);
    }

    [Fact]
    public void Elements_outside_raw_data_are_read()
    {
        void Typed(int type, Action<TensorProto> fill, float[] expected)
        {
            var state = Initializers(model =>
            {
                var tensor = new TensorProto { Name = "w", DataType = type };
                tensor.Dims.Add(2);
                fill(tensor);
                model.Graph.Initializer[0] = tensor;
            });
            state["w"].ToSingles().ShouldBe(expected);
        }

        Typed(1, tensor => tensor.FloatData.Add([1.5f, -2]), [1.5f, -2]);
        Typed(11, tensor => tensor.DoubleData.Add([1.5, -2]), [1.5f, -2]);
        Typed(7, tensor => tensor.Int64Data.Add([3, -4]), [3, -4]);
        Typed(6, tensor => tensor.Int32Data.Add([3, -4]), [3, -4]);
        Typed(3, tensor => tensor.Int32Data.Add([3, -4]), [3, -4]);
        Typed(9, tensor => tensor.Int32Data.Add([1, 0]), [1, 0]);
        Typed(10, tensor => tensor.Int32Data.Add([0x3E00, 0xC000]), [1.5f, -2]); // float16
        Typed(16, tensor => tensor.Int32Data.Add([0x3FC0, 0xC000]), [1.5f, -2]); // bfloat16
    }

    [Fact]
    public void A_tensor_that_contradicts_itself_is_refused()
    {
        Refused(tensor => tensor.Dims[0] = 3).Message.ShouldContain("'w' is damaged: Float32 [3, 3] needs 36 bytes, and it holds 24");
        Refused(tensor => tensor.Dims[0] = -2).Message.ShouldContain("'w' is damaged");
        Refused(tensor => tensor.Dims.Add([long.MaxValue, long.MaxValue, 0])).Message.ShouldContain("'w' is damaged");
        Refused(tensor => tensor.DataType = 8).Message.ShouldContain("ONNX type 8");
    }

    [Fact]
    public void Data_in_another_file_is_refused()
    {
        Refused(tensor => tensor.DataLocation = 1).Message.ShouldContain("'w' lies in another file");
        Refused(tensor => tensor.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = "/etc/passwd" }))
            .Message.ShouldContain("'w' lies in another file");
    }

    [Fact]
    public void A_name_twice_is_refused() => Should.Throw<GenIspException>(
        () => Initializers(model => model.Graph.Initializer.Add(model.Graph.Initializer[0])))
        .Message.ShouldContain("two weights named 'w'");

    [Fact]
    public void What_is_no_ONNX_file_is_refused()
    {
        byte[] png = [0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10], noise = [.. Enumerable.Repeat((byte)0xff, 64)];
        byte[] lyingLength = [0x3a, 0xff, 0xff, 0xff, 0xff, 7]; // of the graph: 2 GB
        foreach (var bytes in new[] { [], png, noise, lyingLength })
        {
            File.WriteAllBytes(_path, bytes);
            Should.Throw<GenIspException>(() => OnnxFile.ReadInitializers(_path)).Message.ShouldContain("not an ONNX file");
        }
        Should.Throw<GenIspException>(() => OnnxFile.ReadInitializers(_path + ".absent")).Message.ShouldContain("can't be read");
    }
}
