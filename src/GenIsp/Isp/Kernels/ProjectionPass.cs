using System.Runtime.CompilerServices;
using GenIsp.Isp.Fused;

namespace GenIsp.Isp.Kernels;

/// <summary>Three planes from a pixel on.</summary>
internal readonly unsafe struct Colors(Planes planes, int picture, int start)
{
    /// <summary>The first plane.</summary>
    public float* Red { get; } = planes.At(3 * picture) + start;

    /// <summary>The second.</summary>
    public float* Green { get; } = planes.At(3 * picture + 1) + start;

    /// <summary>The third.</summary>
    public float* Blue { get; } = planes.At(3 * picture + 2) + start;
}

/// <summary>What <see cref="NormActivationProjection"/> does with some pixels, whose channels lie side by side.</summary>
internal abstract unsafe class ProjectionPass
{
    /// <summary>weight · LeakyReLU(z) + bias, where z = scale · x + offset.</summary>
    /// <param name="from">[count, channels]: x.</param>
    /// <param name="to">The result.</param>
    /// <param name="count">How many pixels.</param>
    /// <param name="channels">Fill vectors.</param>
    /// <param name="weights">[3, channels].</param>
    /// <param name="bias">[3].</param>
    /// <param name="norm">[2, channels]: scales, then offsets.</param>
    /// <param name="slope">LeakyReLU's.</param>
    public abstract void Project(float* from, Colors to, int count, int channels, float* weights, float[] bias, float* norm, float slope);

    /// <summary>Of d, the gradient of z; and of outer · LeakyReLU(z), the weights' gradient.</summary>
    /// <param name="outer">The result's gradient.</param>
    /// <param name="features">[count, channels]: x.</param>
    /// <param name="count">How many pixels.</param>
    /// <param name="channels">Fill vectors.</param>
    /// <param name="weights">[3, channels].</param>
    /// <param name="norm">[2, channels]: scales, then offsets.</param>
    /// <param name="slope">LeakyReLU's.</param>
    /// <param name="sums">[4, channels].</param>
    public abstract void Sums(
        Colors outer, float* features, int count, int channels, float* weights, float* norm, float slope, float* sums);

    /// <summary>The gradient of x: scale · (d − mean(d) − z · mean(d · z)).</summary>
    /// <param name="outer">The result's gradient.</param>
    /// <param name="features">[count, channels]: x.</param>
    /// <param name="gradient">[count, channels].</param>
    /// <param name="count">How many pixels.</param>
    /// <param name="channels">Fill vectors.</param>
    /// <param name="weights">[3, channels].</param>
    /// <param name="norm">[2, channels]: scales, then offsets.</param>
    /// <param name="slope">LeakyReLU's.</param>
    /// <param name="means">[2, channels]: of d, and of d · z.</param>
    public abstract void Correct(
        Colors outer, float* features, float* gradient, int count, int channels, float* weights, float* norm, float slope, float* means);
}

/// <inheritdoc/>
internal sealed unsafe class ProjectionPass<TSimd, TVector> : ProjectionPass
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Project(float* from, Colors to, int count, int channels, float* weights, float[] bias, float* norm, float slope)
    {
        var slopes = TSimd.Create(slope);
        for (var pixel = 0; pixel < count; pixel++, from += channels)
        {
            TVector red = default, green = default, blue = default;
            for (var i = 0; i < channels; i += TSimd.Count)
            {
                var activated = TSimd.LeakyRelu(
                    Normalized(TSimd.Load(from + i), TSimd.Load(norm + i), TSimd.Load(norm + channels + i)), slopes);
                red = TSimd.MultiplyAdd(activated, TSimd.Load(weights + i), red);
                green = TSimd.MultiplyAdd(activated, TSimd.Load(weights + channels + i), green);
                blue = TSimd.MultiplyAdd(activated, TSimd.Load(weights + 2 * channels + i), blue);
            }
            to.Red[pixel] = TSimd.Sum(red) + bias[0];
            to.Green[pixel] = TSimd.Sum(green) + bias[1];
            to.Blue[pixel] = TSimd.Sum(blue) + bias[2];
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Sums(
        Colors outer, float* features, int count, int channels, float* weights, float* norm, float slope, float* sums)
    {
        Prefetch.InARow(features + count * channels, count * channels);
        var slopes = TSimd.Create(slope);
        for (var i = 0; i < channels; i += TSimd.Count)
        {
            TVector scale = TSimd.Load(norm + i), offset = TSimd.Load(norm + channels + i);
            var ofColors = new Weights(weights, channels, i);
            TVector sum = default, red = default, green = default, blue = default;
            var from = features + i;
            for (var pixel = 0; pixel < count; pixel++, from += channels)
            {
                var z = Normalized(TSimd.Load(from), scale, offset);
                var activated = TSimd.LeakyRelu(z, slopes);
                sum = TSimd.Add(sum, TSimd.LeakyReluBack(ofColors.Times(outer, pixel), z, slopes));
                red = TSimd.MultiplyAdd(activated, TSimd.Create(outer.Red[pixel]), red);
                green = TSimd.MultiplyAdd(activated, TSimd.Create(outer.Green[pixel]), green);
                blue = TSimd.MultiplyAdd(activated, TSimd.Create(outer.Blue[pixel]), blue);
            }
            TSimd.Store(sum, sums + i);
            TSimd.Store(red, sums + channels + i);
            TSimd.Store(green, sums + 2 * channels + i);
            TSimd.Store(blue, sums + 3 * channels + i);
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Correct(
        Colors outer, float* features, float* gradient, int count, int channels, float* weights, float* norm, float slope, float* means)
    {
        Prefetch.InARow(features + count * channels, count * channels);
        var slopes = TSimd.Create(slope);
        for (var i = 0; i < channels; i += TSimd.Count)
        {
            TVector scale = TSimd.Load(norm + i), offset = TSimd.Load(norm + channels + i);
            TVector mean = TSimd.Load(means + i), correlation = TSimd.Subtract(default, TSimd.Load(means + channels + i));
            var ofColors = new Weights(weights, channels, i);
            float* from = features + i, to = gradient + i;
            for (var pixel = 0; pixel < count; pixel++, from += channels, to += channels)
            {
                var z = Normalized(TSimd.Load(from), scale, offset);
                var d = TSimd.LeakyReluBack(ofColors.Times(outer, pixel), z, slopes);
                TSimd.Store(TSimd.Multiply(TSimd.MultiplyAdd(z, correlation, TSimd.Subtract(d, mean)), scale), to);
            }
        }
    }

    // Rounded twice, as the offset was made: so features that are all the same become 0.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Normalized(TVector x, TVector scale, TVector offset) => TSimd.Add(TSimd.Multiply(x, scale), offset);

    // Of some channels.
    private readonly struct Weights(float* weights, int channels, int first)
    {
        private readonly TVector _red = TSimd.Load(weights + first);
        private readonly TVector _green = TSimd.Load(weights + channels + first);
        private readonly TVector _blue = TSimd.Load(weights + 2 * channels + first);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Times(Colors colors, int pixel) => TSimd.MultiplyAdd(
            _red, TSimd.Create(colors.Red[pixel]),
            TSimd.MultiplyAdd(_green, TSimd.Create(colors.Green[pixel]), TSimd.Multiply(_blue, TSimd.Create(colors.Blue[pixel]))));
    }
}
