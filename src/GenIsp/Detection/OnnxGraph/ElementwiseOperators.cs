using static TorchSharp.torch;

namespace GenIsp.Detection.OnnxGraph;

/// <summary>Operators that compute each element for itself.</summary>
internal static class ElementwiseOperators
{
    public static Dictionary<string, Operator> All { get; } = new()
    {
        ["Relu"] = _ => x => x[0].relu(),
        ["LeakyRelu"] = LeakyRelu,
        ["PRelu"] = _ => x => x[0].relu() - x[1] * (-x[0]).relu(),
        ["Elu"] = Elu,
        ["Sigmoid"] = _ => x => x[0].sigmoid(),
        ["HardSigmoid"] = HardSigmoid,
        ["HardSwish"] = _ => x => x[0] * x[0].DividedBy(6).Plus(0.5).HeldIn(0, 1),
        ["Mish"] = _ => x => x[0] * x[0].Softplus().tanh(),
        ["Softplus"] = _ => x => x[0].Softplus(),
        ["Tanh"] = _ => x => x[0].tanh(),
        ["Clip"] = Clip,
        ["Add"] = Binary((a, b) => a.Plus(b)),
        ["Sub"] = Binary((a, b) => a - b),
        ["Mul"] = Binary((a, b) => a * b),
        ["Div"] = Binary(Divide),
        ["Pow"] = Binary((a, b) => a.pow(b)),
        ["Min"] = Binary((a, b) => a.minimum(b)),
        ["Max"] = Binary((a, b) => a.maximum(b)),
        ["Equal"] = Binary((a, b) => a.eq(b)),
        ["Less"] = Binary((a, b) => a.lt(b)),
        ["Greater"] = Binary((a, b) => a.gt(b)),
        ["Where"] = _ => Where,
        ["Exp"] = _ => x => x[0].exp(),
        ["Log"] = _ => x => x[0].log(),
        ["Sqrt"] = _ => x => x[0].sqrt(),
        ["Neg"] = _ => x => -x[0],
        ["Abs"] = _ => x => x[0].abs(),
        ["Floor"] = _ => x => x[0].floor(),
        ["Ceil"] = _ => x => x[0].ceil(),
        ["Identity"] = _ => x => x[0],
        ["Dropout"] = Dropout,
        ["Cast"] = Cast,
    };

    private static Func<Inputs, Tensor> LeakyRelu(Node node)
    {
        var slope = node.Float("alpha", 0.01f);
        return x => x[0].LeakyRelu(slope);
    }

    private static Func<Inputs, Tensor> Elu(Node node)
    {
        var alpha = node.Float("alpha", 1);
        return x => x[0].relu().Plus((-(-x[0]).relu()).expm1().Times(alpha));
    }

    private static Func<Inputs, Tensor> HardSigmoid(Node node)
    {
        var (alpha, beta) = (node.Float("alpha", 0.2f), node.Float("beta", 0.5f));
        return x => x[0].Times(alpha).Plus(beta).HeldIn(0, 1);
    }

    // The limits are attributes up to opset 10, then inputs.
    private static Func<Inputs, Tensor> Clip(Node node)
    {
        if (node.Opset < 11)
        {
            var (low, high) = (node.Float("min", float.MinValue), node.Float("max", float.MaxValue));
            return x => x[0].HeldIn(low, high);
        }
        return x =>
        {
            var result = x.Optional(1) is { } low ? x[0].maximum(low) : x[0];
            return x.Optional(2) is { } high ? result.minimum(high) : result;
        };
    }

    private static Operator Binary(Func<Tensor, Tensor, Tensor> compute) => _ => x =>
    {
        var result = x[0];
        for (var i = 1; i < Math.Max(2, x.Count); i++) // Min and Max take any number of inputs.
        {
            Inputs.Broadcast(result.shape, x[i].shape);
            result = compute(result, x[i]);
        }
        return result;
    };

    // Integers are divided as in C, where two cases stop the processor.
    private static Tensor Divide(Tensor a, Tensor b)
    {
        if (a.dtype != ScalarType.Int64 || b.dtype != ScalarType.Int64)
            return a / b;
        if (b.IsEqualTo(0).any().Numbers<bool>()[0] || a.IsEqualTo(long.MinValue).any().Numbers<bool>()[0])
            throw new GenIspException("its integers can't be divided");
        return a.div(b, RoundingMode.trunc);
    }

    private static Tensor Where(Inputs x)
    {
        Inputs.Broadcast(Inputs.Broadcast(x[0].shape, x[1].shape), x[2].shape);
        return where(x[0], x[1], x[2]);
    }

    private static Func<Inputs, Tensor> Dropout(Node node)
    {
        node.Float("ratio", 0.5f);
        node.Int("seed", 0);
        return x => x.Optional(2) is null || !x[2].Numbers<bool>()[0] ? x[0] : throw new GenIspException("it is in training mode");
    }

    private static Func<Inputs, Tensor> Cast(Node node)
    {
        node.Int("saturate", 1);
        var to = node.Int("to", 0) switch
        {
            1 or 10 or 11 or 16 => node.Type,
            6 or 7 => ScalarType.Int64,
            9 => ScalarType.Bool,
            var other => throw new UnsupportedException($"to = {other}"),
        };
        return x => x[0].to_type(to);
    }
}
