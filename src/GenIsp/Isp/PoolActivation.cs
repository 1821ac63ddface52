using System.Numerics;
using static TorchSharp.torch;

namespace GenIsp.Isp;

/// <summary>
/// Max pooling, then LeakyReLU, as one operation with a gradient. LeakyReLU rises everywhere, so it may change places with the maximum, and
/// then has fewer values to work on; libtorch's two read and write the whole features six times there and back.
/// </summary>
internal sealed unsafe class PoolActivation : autograd.SingleTensorFunction<PoolActivation>
{
    /// <inheritdoc/>
    public override string Name => nameof(PoolActivation);

    /// <summary>LeakyReLU of the largest value of each window; what does not fill a window at the right and the bottom is left out.</summary>
    /// <param name="features">[N, C, H, W]; <see cref="Pixels"/>.</param>
    /// <param name="pool">Side of the window, at most H and W.</param>
    /// <param name="slope">Of LeakyReLU below 0; not below 0 itself.</param>
    /// <returns>[N, C, ⌊H / pool⌋, ⌊W / pool⌋], channels-last.</returns>
    public static Tensor Apply(Tensor features, int pool, double slope)
    {
        if (is_grad_enabled() && features.requires_grad)
            return apply(features, pool, (float)slope);
        var (result, places) = Forward(features, pool, (float)slope);
        places.Dispose();
        return result;
    }

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var features = (Tensor)vars[0];
        var (result, places) = Forward(features, (int)vars[1], (float)vars[2]);
        ctx.save_for_backward([result, places]);
        ctx.save_data("pool", vars[1]);
        ctx.save_data("slope", vars[2]);
        ctx.save_data("shape", features.shape);
        return result;
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var saved = ctx.get_saved_variables();
        var (pool, slope, shape) = ((int)ctx.get_data("pool"), (float)ctx.get_data("slope"), (long[])ctx.get_data("shape"));
        var gradient = Pixels.Empty(shape);
        if (shape[2] % pool != 0 || shape[3] % pool != 0)
            gradient.zero_();
        using var outer = Pixels.ChannelsLast(grad_output);
        Pixels outers = new(outer), results = new(saved[0]), places = new(saved[1]), gradients = new(gradient);
        ForEachWindow(gradients, outers, pool, (picture, window, corner) =>
        {
            float* from = outers.At(picture, window), activated = results.At(picture, window), place = places.At(picture, window);
            Back(from, activated, place, gradients.At(picture, corner), outers.Channels, pool, gradients.Width, slope);
        });
        return [gradient, null!, null!];
    }

    // The place of each maximum in its window is the first, row by row; NaN counts as the largest.
    private static (Tensor Result, Tensor Places) Forward(Tensor features, int pool, float slope)
    {
        long[] shape = [features.shape[0], features.shape[1], features.shape[2] / pool, features.shape[3] / pool];
        var (result, places) = (Pixels.Empty(shape), Pixels.Empty(shape));
        Pixels wide = new(features), small = new(result), found = new(places);
        ForEachWindow(wide, small, pool, (picture, window, corner) => Pool(
            wide.At(picture, corner), small.At(picture, window), found.At(picture, window), wide.Channels, pool, wide.Width, slope));
        return (result, places);
    }

    private static void ForEachWindow(Pixels wide, Pixels small, int pool, Action<int, int, int> work) => Planes.ForEach(
        small.Pictures * small.Height, row =>
        {
            var (picture, y) = Math.DivRem(row, small.Height);
            for (var x = 0; x < small.Width; x++)
                work(picture, y * small.Width + x, (y * wide.Width + x) * pool);
        });

    private static void Pool(float* corner, float* result, float* places, int channels, int pool, int width, float slope)
    {
        for (var i = 0; i < channels; i += Vector<float>.Count)
        {
            Vector<float> largest = Vector.Load(corner + i), place = default;
            for (var down = 0; down < pool; down++)
            {
                for (var right = 0; right < pool; right++)
                {
                    var value = Vector.Load(corner + (down * width + right) * channels + i);
                    var isLarger = Vector.GreaterThan(value, largest) | ~Vector.Equals(value, value);
                    largest = Vector.ConditionalSelect(isLarger, value, largest);
                    place = Vector.ConditionalSelect(isLarger, new Vector<float>(down * pool + right), place);
                }
            }
            (largest * Planes.Slopes(largest, slope)).Store(result + i);
            place.Store(places + i);
        }
    }

    private static void Back(
        float* outer, float* activated, float* places, float* corner, int channels, int pool, int width, float slope)
    {
        for (var i = 0; i < channels; i += Vector<float>.Count)
        {
            var (gradient, place) = (Vector.Load(outer + i) * Planes.Slopes(Vector.Load(activated + i), slope), Vector.Load(places + i));
            for (var down = 0; down < pool; down++)
            {
                for (var right = 0; right < pool; right++)
                {
                    var isHere = Vector.Equals(place, new Vector<float>(down * pool + right));
                    Vector.ConditionalSelect(isHere, gradient, Vector<float>.Zero).Store(corner + (down * width + right) * channels + i);
                }
            }
        }
    }
}
