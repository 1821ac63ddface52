using static TorchSharp.torch;

namespace GenIsp.Isp.Kernels;

/// <summary>What follows a convolution, number by number.</summary>
/// <param name="Kind">Which function.</param>
/// <param name="Slope">LeakyReLU's, below 0.</param>
internal readonly record struct Activation(ActivationKind Kind, float Slope = 0)
{
    /// <summary>max(x, 0).</summary>
    public static Activation Relu { get; } = new(ActivationKind.Relu);

    /// <summary>x · sigmoid(x) (arXiv 1702.03118).</summary>
    public static Activation Silu { get; } = new(ActivationKind.Silu);

    /// <summary>x, or x · slope where x is not above 0.</summary>
    public static Activation LeakyRelu(float slope) => new(ActivationKind.LeakyRelu, slope);

    /// <summary>By libtorch, ReLU in place.</summary>
    /// <param name="x">What nobody else reads.</param>
    public Tensor Apply(Tensor x) => Kind switch
    {
        ActivationKind.Relu => x.relu_(),
        ActivationKind.LeakyRelu => x.LeakyRelu(Slope),
        ActivationKind.Silu => nn.functional.silu(x),
        _ => x,
    };
}

/// <summary>A function of a number.</summary>
internal enum ActivationKind
{
    /// <summary>The number itself.</summary>
    None,

    /// <summary>See <see cref="Activation.Relu"/>.</summary>
    Relu,

    /// <summary>See <see cref="Activation.LeakyRelu"/>.</summary>
    LeakyRelu,

    /// <summary>See <see cref="Activation.Silu"/>.</summary>
    Silu,
}
