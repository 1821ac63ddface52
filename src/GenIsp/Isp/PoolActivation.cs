using static TorchSharp.torch;

namespace GenIsp.Isp;

/// <summary>
/// Max pooling, then LeakyReLU, as one operation with a gradient. LeakyReLU rises everywhere, so it may change places with the maximum, and
/// then has fewer values to work on; libtorch's two read and write the whole features six times there and back.
/// </summary>
internal sealed class PoolActivation : autograd.SingleTensorFunction<PoolActivation>
{
    /// <summary>The largest side of a window: a byte holds the place in it.</summary>
    public const int LargestPool = 15;

    /// <inheritdoc/>
    public override string Name => nameof(PoolActivation);

    /// <summary>LeakyReLU of the largest value of each window; what does not fill a window at the right and the bottom is left out.</summary>
    /// <param name="features">[N, C, H, W]; <see cref="Planes"/>.</param>
    /// <param name="pool">Side of the window, 1..<see cref="LargestPool"/>, at most H and W.</param>
    /// <param name="slope">Of LeakyReLU below 0; not below 0 itself.</param>
    /// <returns>[N, C, ⌊H / pool⌋, ⌊W / pool⌋].</returns>
    public static Tensor Apply(Tensor features, int pool, double slope) =>
        is_grad_enabled() && features.requires_grad ? apply(features, pool, (float)slope) : Forward(features, pool, (float)slope, out _);

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (features, pool) = ((Tensor)vars[0], (int)vars[1]);
        var result = Forward(features, pool, (float)vars[2], out var places);
        ctx.save_for_backward([result]);
        ctx.save_data("places", places);
        ctx.save_data("pool", pool);
        ctx.save_data("slope", vars[2]);
        ctx.save_data("shape", features.shape);
        return result;
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var result = ctx.get_saved_variables()[0];
        var (places, pool, slope) = ((byte[])ctx.get_data("places"), (int)ctx.get_data("pool"), (float)ctx.get_data("slope"));
        var gradient = zeros((long[])ctx.get_data("shape"), dtype: ScalarType.Float32);
        using var outer = grad_output.contiguous();
        var (width, pooled) = ((int)gradient.shape[3], (int)result.shape[3]);
        Planes outers = new(outer), results = new(result), gradients = new(gradient);
        Planes.ForEach((int)(result.shape[0] * result.shape[1]), plane =>
        {
            var from = outers[plane];
            var activated = results[plane];
            var to = gradients[plane];
            var at = places.AsSpan(plane * from.Length, from.Length);
            for (var i = 0; i < from.Length; i++)
            {
                var ((y, x), (down, right)) = (Math.DivRem(i, pooled), Math.DivRem((int)at[i], pool));
                to[(y * pool + down) * width + x * pool + right] = activated[i] > 0 ? from[i] : from[i] * slope;
            }
        });
        return [gradient, null!, null!];
    }

    // The place of each maximum in its window is the first, row by row; NaN counts as the largest.
    private static Tensor Forward(Tensor features, int pool, float slope, out byte[] places)
    {
        var (height, width) = ((int)features.shape[2], (int)features.shape[3]);
        var (rows, columns) = (height / pool, width / pool);
        var planes = (int)(features.shape[0] * features.shape[1]);
        var result = empty([features.shape[0], features.shape[1], rows, columns], dtype: ScalarType.Float32);
        var found = new byte[planes * rows * columns];
        Planes wide = new(features), small = new(result);
        Planes.ForEach(planes, plane =>
        {
            var from = wide[plane];
            var to = small[plane];
            var at = found.AsSpan(plane * to.Length, to.Length);
            for (var row = 0; row < rows; row++)
            {
                for (var column = 0; column < columns; column++)
                {
                    var corner = row * pool * width + column * pool;
                    var (largest, place) = (from[corner], 0);
                    for (var down = 0; down < pool; down++)
                    {
                        var line = from.Slice(corner + down * width, pool);
                        for (var right = 0; right < line.Length; right++)
                        {
                            if (line[right] > largest || float.IsNaN(line[right]))
                                (largest, place) = (line[right], down * pool + right);
                        }
                    }
                    to[row * columns + column] = largest > 0 ? largest : largest * slope;
                    at[row * columns + column] = (byte)place;
                }
            }
        });
        places = found;
        return result;
    }
}
