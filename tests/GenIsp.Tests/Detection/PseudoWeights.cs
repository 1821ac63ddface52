using GenIsp.Weights;
using static TorchSharp.torch;

namespace GenIsp.Tests.Detection;

/// <summary>Numbers made from a hash of a name and an index, bit for bit as in tests/reference/retinanet.py.</summary>
internal static class PseudoWeights
{
    private const string ClassBias = "head.classification_head.cls_logits.bias";

    public static float[] Between(string name, long count, float low, float high)
    {
        var values = new float[count];
        var seed = Seed(name);
        for (var i = 0; i < values.Length; i++)
            values[i] = low + Uniform(seed, i) * (high - low);
        return values;
    }

    /// <summary>Blocks of 8×8 pixels with noise on them, [3, height, width], 0..1.</summary>
    public static Tensor Image(string name, int height, int width)
    {
        var (blocks, noise) = (Seed(name + ".blocks"), Seed(name + ".noise"));
        var (blockRows, blockColumns) = ((height + 7) / 8, (width + 7) / 8);
        var values = new float[3 * height * width];
        for (var i = 0; i < values.Length; i++)
        {
            var (plane, row, column) = (i / (height * width), i / width % height, i % width);
            var block = Uniform(blocks, (plane * blockRows + row / 8) * blockColumns + column / 8);
            values[i] = 0.75f * block + 0.25f * Uniform(noise, i);
        }
        return tensor(values, [3, height, width], dtype: ScalarType.Float32);
    }

    /// <summary>A state dict of torchvision's, with current names.</summary>
    /// <param name="names">Of 91 classes, each followed by its dimensions.</param>
    /// <param name="reference">How to make them.</param>
    public static StateDict Create(IEnumerable<string> names, RetinaNetCase reference)
    {
        var state = new StateDict();
        foreach (var words in names.Select(line => line.Split(' ')))
        {
            var name = words[0];
            var shape = words[1..].Select(long.Parse).ToArray();
            if (name.Contains("cls_logits", StringComparison.Ordinal))
                shape[0] = 9 * reference.Classes;
            state[name] = name.EndsWith("num_batches_tracked", StringComparison.Ordinal)
                ? new TensorData(TensorType.Int64, [], new byte[8])
                : TensorData.FromSingles(Values(name, shape, reference), shape);
        }
        return state;
    }

    private static float[] Values(string name, long[] shape, RetinaNetCase reference)
    {
        bool Has(string part) => name.Contains(part, StringComparison.Ordinal);
        var count = shape.Aggregate(1L, (product, dimension) => product * dimension);
        var isStem = Has("body.bn1.");
        if (shape.Length == 4)
        {
            var gain = Has("cls_logits") ? reference.ClassGain : Has("bbox_reg") ? reference.BoxGain : Has(".fpn.") ? 3 : 6;
            var bound = Math.Sqrt(gain / (shape[1] * shape[2] * shape[3]));
            return Between(name, count, (float)-bound, (float)bound);
        }
        if (name == ClassBias)
            return Between($"{name}{reference.Salt}", count, (float)(reference.ClassBias - 1), (float)(reference.ClassBias + 1));
        if (Has("running_var"))
            return Scaled(Between(name, count, 0.5f, 1.5f), isStem ? 1e-4f : 1);
        if (name.EndsWith("bias", StringComparison.Ordinal) || Has("running_mean"))
            return Scaled(Between(name, count, -0.1f, 0.1f), Has("body.bn1.running") ? 0.01f : 1);
        return Scaled(Between(name, count, 0.75f, 1.25f), Has("bn3") ? 0.3f : isStem ? 0.01f : 1);
    }

    private static float[] Scaled(float[] values, float factor) => Array.ConvertAll(values, value => value * factor);

    // FNV-1a.
    private static uint Seed(string name) => name.Aggregate(2166136261u, (hash, character) => (hash ^ character) * 16777619u);

    // murmur3's finalizer.
    private static float Uniform(uint seed, int index)
    {
        var hash = (uint)index * 0x9E3779B1u + seed;
        hash = (hash ^ (hash >> 16)) * 0x85EBCA6Bu;
        hash = (hash ^ (hash >> 13)) * 0xC2B2AE35u;
        hash ^= hash >> 16;
        return (hash >> 8) * (1f / (1 << 24));
    }
}
