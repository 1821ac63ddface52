using System.Runtime.Intrinsics;
using CsCheck;
using GenIsp.Isp;
using GenIsp.Isp.Fused;
using GenIsp.Isp.Kernels;
using static TorchSharp.torch;

namespace GenIsp.Tests.Isp.Kernels;

public sealed class ProjectionPassTests
{
    private const float Slope = 0.01f;

    // Against plain code in float64, a pixel after the other.
    [Fact]
    public void Each_width_of_vectors_computes_the_same() => Gen.Select(Gen.Int[1, 4], Gen.Int[1, 70], Gen.Int[0, 1000]).Sample(
        (sixteens, count, seed) =>
        {
            using var scope = NewDisposeScope();
            var channels = 16 * sixteens;
            var random = new Random(seed);
            float[] Numbers(int size) => [.. Enumerable.Range(0, size).Select(_ => 2 * random.NextSingle() - 1)];
            var (features, weights, norm, bias) = (Numbers(count * channels), Numbers(3 * channels), Numbers(2 * channels), Numbers(3));
            var (means, outer) = (Numbers(2 * channels), Numbers(3 * count));

            foreach (var pass in (ProjectionPass[])
                     [
                         new ProjectionPass<Simd128, Vector128<float>>(), new ProjectionPass<Simd256, Vector256<float>>(),
                         new ProjectionPass<Simd512, Vector512<float>>(),
                     ])
                ShouldBeRight(pass, features, weights, norm, bias, means, outer, channels, count);
        },
        iter: 20, threads: 1);

    private static unsafe void ShouldBeRight(
        ProjectionPass pass, float[] features, float[] weights, float[] norm, float[] bias, float[] means, float[] outer, int channels, int count)
    {
        var colors = zeros(1, 3, 1, count);
        var gradient = new float[features.Length];
        var sums = new float[4 * channels];
        var outers = tensor(outer, [1, 3, 1, count]);
        fixed (float* from = features, weight = weights, scale = norm, mean = means, to = gradient, sum = sums)
        {
            pass.Project(from, new Colors(new Planes(colors), 0, 0), count, channels, weight, bias, scale, Slope);
            pass.Sums(new Colors(new Planes(outers), 0, 0), from, count, channels, weight, scale, Slope, sum);
            pass.Correct(new Colors(new Planes(outers), 0, 0), from, to, count, channels, weight, scale, Slope, mean);
        }
        var (projected, exactSums) = (new double[3 * count], new double[4 * channels]);
        for (var pixel = 0; pixel < count; pixel++)
        {
            for (var i = 0; i < channels; i++)
            {
                double z = features[pixel * channels + i] * norm[i] + norm[channels + i];
                var slope = z > 0 ? 1 : Slope;
                double d = 0;
                for (var color = 0; color < 3; color++)
                {
                    projected[color * count + pixel] += z * slope * weights[color * channels + i];
                    d += weights[color * channels + i] * outer[color * count + pixel] * slope;
                    exactSums[(color + 1) * channels + i] += z * slope * outer[color * count + pixel];
                }
                exactSums[i] += d;
                ((double)gradient[pixel * channels + i]).ShouldBe((d - means[i] - z * means[channels + i]) * norm[i], 1e-5);
            }
        }
        var made = colors.Numbers<float>();
        for (var i = 0; i < made.Length; i++)
            ((double)made[i]).ShouldBe(projected[i] + bias[i / count], 1e-4);
        for (var i = 0; i < sums.Length; i++)
            ((double)sums[i]).ShouldBe(exactSums[i], 1e-4);
    }
}
