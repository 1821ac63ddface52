using static TorchSharp.torch;

namespace GenIsp.Detection.RetinaNet;

/// <summary>A batch norm that only applies its statistics: y = x · s + (bias − mean · s), s = weight / √(variance + eps).</summary>
internal sealed class FrozenBatchNorm2d : NamedModule<Tensor, Tensor>
{
    private readonly double _epsilon;
    private readonly Tensor _weight;
    private readonly Tensor _bias;
    private readonly Tensor _mean;
    private readonly Tensor _variance;

    public FrozenBatchNorm2d(int channels, double epsilon) : base(nameof(FrozenBatchNorm2d))
    {
        _epsilon = epsilon;
        _weight = Buffer("weight", ones([channels], dtype: ScalarType.Float32));
        _bias = Buffer("bias", zeros([channels], dtype: ScalarType.Float32));
        _mean = Buffer("running_mean", zeros([channels], dtype: ScalarType.Float32));
        _variance = Buffer("running_var", ones([channels], dtype: ScalarType.Float32));
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var scale = _weight * _variance.Plus(_epsilon).rsqrt();
        var shift = _bias - _mean * scale;
        return (input * scale.view(1, -1, 1, 1)).PlusInPlace(shift.view(1, -1, 1, 1)).MoveToOuterDisposeScope();
    }

    private Tensor Buffer(string name, Tensor values)
    {
        // A parameter leaves the caller's scope by itself, a buffer does not.
        register_buffer(name, values.DetachFromDisposeScope());
        return values;
    }
}
