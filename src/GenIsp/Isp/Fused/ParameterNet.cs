using GenIsp.Weights;

namespace GenIsp.Isp.Fused;

/// <summary>ConvWB or ConvCC: see <see cref="ImageToParameters"/>.</summary>
internal sealed class ParameterNet
{
    private readonly ParameterLayer[] _layers;
    private readonly float[] _linear;
    private readonly float[] _bias;

    /// <param name="weights">The network's.</param>
    /// <param name="prefix">Of the names of this part's.</param>
    /// <param name="options">Pools and slope.</param>
    public ParameterNet(StateDict weights, string prefix, GenIspOptions options)
    {
        _layers =
        [
            .. options.Pools.Select((pool, i) => new ParameterLayer(
                weights[$"{prefix}conv{i + 1}.weight"], weights[$"{prefix}conv{i + 1}.bias"], (float)options.NegativeSlope, pool)),
        ];
        _linear = weights[$"{prefix}mlp.0.weight"].ToSingles();
        _bias = weights[$"{prefix}mlp.0.bias"].ToSingles();
    }

    /// <summary>The border that the picture needs.</summary>
    public int Border => _layers[0].Kernel / 2;

    /// <summary>The mean of the last layer over the picture, through the linear layer.</summary>
    public float[] Run<TSimd, TVector>(FeatureMap picture, ParallelOptions threads)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        using var first = _layers[0].Run<TSimd, TVector>(picture, _layers[1].Kernel / 2, threads);
        using var second = _layers[1].Run<TSimd, TVector>(first, _layers[2].Kernel / 2, threads);
        using var features = _layers[2].Run<TSimd, TVector>(second, 0, threads);
        var means = features.Means();
        var result = new float[_bias.Length];
        for (var output = 0; output < result.Length; output++)
        {
            double sum = _bias[output];
            for (var channel = 0; channel < means.Length; channel++)
                sum += _linear[output * means.Length + channel] * means[channel];
            result[output] = (float)sum;
        }
        return result;
    }
}
