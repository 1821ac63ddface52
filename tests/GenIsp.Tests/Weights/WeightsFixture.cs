using System.IO.Compression;
using System.Text;
using GenIsp.Weights;

namespace GenIsp.Tests.Weights;

/// <summary>The files of tests/reference/weights.py, the formula of their values, and small hostile files.</summary>
internal static class WeightsFixture
{
    public static string Folder { get; } = Path.Combine(AppContext.BaseDirectory, "Fixtures", "weights");

    public static string File(string name) => Path.Combine(Folder, name);

    /// <summary>Element i of a floating-point tensor is i / 2 - 3.</summary>
    public static float[] Formula(int count) => [.. Enumerable.Range(0, count).Select(i => i / 2f - 3)];

    public static void ShouldBe(this TensorData tensor, TensorType type, long[] shape, IEnumerable<float> values)
    {
        tensor.Type.ShouldBe(type);
        tensor.Shape.ShouldBe(shape);
        tensor.ToSingles().ShouldBe(values);
    }

    /// <summary>Runs in a folder of its own.</summary>
    public static void InFolder(Action<string> run)
    {
        var folder = Directory.CreateTempSubdirectory("genisp-weights");
        try
        {
            run(folder.FullName);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Runs on a file of the given content.</summary>
    public static T With<T>(byte[] content, Func<string, T> run)
    {
        T result = default!;
        InFolder(folder =>
        {
            var path = Path.Combine(folder, "file");
            System.IO.File.WriteAllBytes(path, content);
            result = run(path);
        });
        return result;
    }

    public static string ErrorOf(byte[] content, Func<string, StateDict> read) =>
        With(content, path => Should.Throw<GenIspException>(() => read(path)).Message);

    public static byte[] Zip(params (string Name, byte[] Content)[] entries) => Zip(CompressionLevel.NoCompression, entries);

    public static byte[] Zip(CompressionLevel level, params (string Name, byte[] Content)[] entries)
    {
        var buffer = new MemoryStream();
        using (var zip = new ZipArchive(buffer, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, content) in entries)
            {
                using var stream = zip.CreateEntry(name, level).Open();
                stream.Write(content);
            }
        }
        return buffer.ToArray();
    }

    /// <summary>A checkpoint in the zip format that holds one tensor "w" over the float32 storage "0" of the given bytes.</summary>
    public static byte[] OneTensor(byte[] storage, int count, int offset, int[] shape, int[] strides) =>
        Zip(("x/data.pkl", new Pickle().OneTensor(count, offset, shape, strides).Stop()), ("x/data/0", storage));
}

/// <summary>Writes the opcodes of a pickle.</summary>
internal sealed class Pickle
{
    private readonly List<byte> _bytes = [];

    public Pickle() => Op(0x80, 2);

    public Pickle Op(params byte[] bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    public Pickle Op(char opcode) => Op((byte)opcode);

    public Pickle Text(string text) => Op('X').Op(BitConverter.GetBytes(Encoding.UTF8.GetByteCount(text))).Op(Encoding.UTF8.GetBytes(text));

    public Pickle Int(int value) => Op('J').Op(BitConverter.GetBytes(value));

    public Pickle Ints(params int[] values)
    {
        Op('(');
        foreach (var value in values)
            Int(value);
        return Op('t');
    }

    public Pickle Global(string module, string name) => Op('c').Op(Encoding.ASCII.GetBytes($"{module}\n{name}\n"));

    public Pickle Storage(string type, string key, int count) =>
        Op('(').Text("storage").Global("torch", type).Text(key).Text("cpu").Int(count).Op('t').Op('Q');

    public Pickle Tensor(string type, string key, int count, int offset, int[] shape, int[] strides) =>
        Global("torch._utils", "_rebuild_tensor_v2").Op('(').Storage(type, key, count).Int(offset).Ints(shape).Ints(strides)
            .Op(0x89).Op('}').Op('t').Op('R');

    public Pickle OneTensor(int count, int offset, int[] shape, int[] strides) =>
        Op('}').Text("w").Tensor("FloatStorage", "0", count, offset, shape, strides).Op('s');

    public byte[] Stop() => [.. Op('.')._bytes];
}
