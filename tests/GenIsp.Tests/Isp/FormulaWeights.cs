using GenIsp.Isp;
using static TorchSharp.torch;

namespace GenIsp.Tests.Isp;

/// <summary>Weights of GenISP made by an integer formula, as in tests/reference/genisp.py.</summary>
internal static class FormulaWeights
{
    /// <summary>As <c>fill</c> there.</summary>
    public static void Fill(GenIspModel model)
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        var seed = 0;
        foreach (var (_, parameter) in model.state_dict().OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            var fanIn = parameter.dim() > 1 ? parameter.numel() / parameter.shape[0] : 16;
            var values = Formula((int)parameter.numel(), seed++).Select(value => (float)(value * 3 / Math.Sqrt(fanIn))).ToArray();
            parameter.copy_(tensor(values, parameter.shape, dtype: ScalarType.Float32));
        }
    }

    /// <summary>Uniform in -0.5..0.5.</summary>
    public static IEnumerable<double> Formula(int count, long seed)
    {
        for (long i = 0; i < count; i++)
        {
            var h = (i * 2654435761 + seed * 40503 + 12345) % (1L << 32);
            h = (long)((ulong)(h ^ (h >> 15)) * 2246822519 % (1UL << 32));
            yield return (double)(h ^ (h >> 13)) / (1L << 32) - 0.5;
        }
    }
}
