using GenIsp.Isp;
using static TorchSharp.torch;

namespace GenIsp.Detection;

/// <summary>
/// <see cref="IOutputConvention.Decode(Tensor, Tensor, Tensor)"/> of all points, there and back in one pass each: libtorch's ten operations
/// go over the output as many times.
/// </summary>
internal sealed unsafe class PointDecoding : autograd.SingleTensorFunction<PointDecoding>
{
    // Points of a thread at once.
    private const int Block = 64;

    // Of a number, with its share of exponentials.
    private const long Operations = 16;

    /// <inheritdoc/>
    public override string Name => nameof(PointDecoding);

    /// <param name="convention">The form of the output.</param>
    /// <param name="raw">[N, K]: the output.</param>
    /// <param name="grid">Its points.</param>
    /// <returns>Scores [N, C] and boxes [N, 4].</returns>
    public static (Tensor Scores, Tensor Boxes) Apply(IOutputConvention convention, Tensor raw, PointGrid grid)
    {
        if (raw.device_type != TorchSharp.DeviceType.CPU || raw.dtype != ScalarType.Float32 || !raw.is_contiguous()
            || raw.size(0) != grid.Centres.Length)
            return convention.Decode(raw, grid.Points, grid.Strides);
        using var scope = NewDisposeScope();
        // One operation has one result, of which these are parts. (Of several, TorchSharp ends the process where one has no gradient.)
        var made = is_grad_enabled() && raw.requires_grad ? apply(raw, convention, grid) : There(raw, convention, grid);
        var (points, scores) = (grid.Centres.Length, made.numel() - 4 * grid.Centres.Length);
        return scope.MoveToOuter(made.narrow(0, 0, scores).view(points, -1), made.narrow(0, scores, 4 * points).view(points, 4));
    }

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var raw = (Tensor)vars[0];
        ctx.save_for_backward([raw]);
        ctx.save_data("convention", vars[1]);
        ctx.save_data("grid", vars[2]);
        return There(raw, (IOutputConvention)vars[1], (PointGrid)vars[2]);
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var (convention, centres) = ((IOutputConvention)ctx.get_data("convention"), ((PointGrid)ctx.get_data("grid")).Centres);
        var raw = ctx.get_saved_variables()[0];
        var result = empty_like(raw);
        using var inOrder = grad_output.contiguous();
        var (columns, classes) = ((int)raw.size(1), (int)raw.size(1) - convention.BoxColumns);
        float* from = raw.Pointer<float>(), to = result.Pointer<float>();
        float* scores = inOrder.Pointer<float>(), boxes = scores + (nint)centres.Length * classes;
        ForEachPoint(centres.Length, columns, i => convention.Back(
            new ReadOnlySpan<float>(from + i * columns, columns), centres[i].Stride, new ReadOnlySpan<float>(scores + i * classes, classes),
            new ReadOnlySpan<float>(boxes + 4 * i, 4), new Span<float>(to + i * columns, columns)));
        GC.KeepAlive(raw);
        return [result, null!, null!];
    }

    private static Tensor There(Tensor raw, IOutputConvention convention, PointGrid grid)
    {
        var (points, columns, classes) = (grid.Centres.Length, (int)raw.size(1), (int)raw.size(1) - convention.BoxColumns);
        var result = empty((long)points * (classes + 4), dtype: ScalarType.Float32);
        float* from = raw.Pointer<float>(), places = grid.Points.Pointer<float>();
        float* scores = result.Pointer<float>(), boxes = scores + (nint)points * classes;
        ForEachPoint(points, columns, i => convention.Decode(
            new ReadOnlySpan<float>(from + i * columns, columns), new GridPoint(places[2 * i], places[2 * i + 1], grid.Centres[i].Stride),
            new Span<float>(scores + i * classes, classes), new Span<float>(boxes + 4 * i, 4)));
        GC.KeepAlive(raw);
        return result;
    }

    private static void ForEachPoint(int points, int columns, Action<nint> work) =>
        Planes.ForEach((points + Block - 1) / Block, Operations * Block * columns, block =>
        {
            for (var i = block * Block; i < Math.Min(points, (block + 1) * Block); i++)
                work(i);
        });
}
