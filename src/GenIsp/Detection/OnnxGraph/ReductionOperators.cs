using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace GenIsp.Detection.OnnxGraph;

/// <summary>Operators that sum or compare over axes, and products of matrices.</summary>
internal static class ReductionOperators
{
    public static Dictionary<string, Operator> All { get; } = new()
    {
        ["ReduceMean"] = Reduce(18, (x, axes, keep) => x.mean(axes, keep)),
        ["ReduceSum"] = Reduce(13, (x, axes, keep) => x.sum(axes, keep)),
        ["ReduceMax"] = Reduce(18, (x, axes, keep) => x.amax(axes, keep)),
        ["GlobalAveragePool"] = _ => x => x[0].mean(SpatialAxes(x[0]), keepdim: true),
        ["GlobalMaxPool"] = _ => x => x[0].amax(SpatialAxes(x[0]), keepdim: true),
        ["Softmax"] = Softmax,
        ["MatMul"] = _ => x => Product(x[0], x[1]),
        ["Gemm"] = Gemm,
    };

    private static long[] SpatialAxes(Tensor x) => [.. Enumerable.Range(2, Math.Max(0, (int)x.dim() - 2))];

    // The axes are an attribute before the given opset, and an input from then on.
    private static Operator Reduce(int axesAsInput, Func<Tensor, long[], bool, Tensor> compute) => node =>
    {
        var keep = node.Flag("keepdims", true);
        var attribute = node.Opset < axesAsInput ? node.Ints("axes") : null;
        var noneMeansNone = node.Opset >= axesAsInput && node.Flag("noop_with_empty_axes");
        return x =>
        {
            var axes = (node.Opset < axesAsInput ? attribute : x.Longs(1)) ?? [];
            if (axes.Length == 0 && noneMeansNone)
                return x[0];
            var rank = x[0].dim();
            int[] all = axes.Length == 0 ? [.. Enumerable.Range(0, (int)rank)] : Inputs.Axes(axes, rank);
            return compute(x[0], [.. all], keep);
        };
    };

    // Up to opset 12 the axes from the given one on are taken together.
    private static Func<Inputs, Tensor> Softmax(Node node)
    {
        var together = node.Opset < 13;
        var axis = node.Int("axis", together ? 1 : -1);
        return x =>
        {
            var from = Inputs.Axis(axis, x[0].dim());
            return together
                ? functional.softmax(x[0].flatten(from, -1), from).reshape(x[0].shape)
                : functional.softmax(x[0], from);
        };
    }

    private static Func<Inputs, Tensor> Gemm(Node node)
    {
        var (alpha, beta) = (node.Float("alpha", 1), node.Float("beta", 1));
        var (transA, transB) = (node.Flag("transA"), node.Flag("transB"));
        return x =>
        {
            var product = Product(transA ? x[0].t() : x[0], transB ? x[1].t() : x[1]).Times(alpha);
            if (x.Optional(2) is not { } bias)
                return product;
            Inputs.Broadcast(product.shape, bias.shape);
            return product.Plus(bias.Times(beta));
        };
    }

    private static Tensor Product(Tensor a, Tensor b)
    {
        if (a.dim() > 1 && b.dim() > 1)
            Inputs.Limit([.. Inputs.Broadcast(a.shape[..^2], b.shape[..^2]), a.shape[^2], b.shape[^1]]);
        return a.matmul(b);
    }
}
