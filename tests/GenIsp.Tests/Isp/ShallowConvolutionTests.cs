using System.Runtime.Intrinsics;
using CsCheck;
using GenIsp.Isp;
using GenIsp.Isp.Fused;
using GenIsp.Isp.Kernels;
using static TorchSharp.torch;

namespace GenIsp.Tests.Isp;

public sealed class ShallowConvolutionTests
{
    private delegate (Tensor Weight, Tensor Bias) GradientOf(Tensor image, Tensor gradient);

    private static readonly Gen<(int Pictures, int Inputs, int Height, int Width)> Images =
        Gen.Select(Gen.Int[1, 2], Gen.Int[1, 4], Gen.Int[1, 40], Gen.Int[1, 210])
            .Select(size => (size.Item1, 16 * size.Item2, size.Item3, size.Item4));

    // Sums of up to 17,000 float32 products, by 16 rows.
    private const double Tolerance = 1e-5;

    [Fact]
    public void The_weights_gradient_is_libtorchs_in_float64_by_16_numbers_at_a_time() =>
        WeightsGradient(WindowGradient.Of<Simd512, Vector512<float>>);

    [Fact]
    public void The_weights_gradient_is_libtorchs_in_float64_by_8_numbers_at_a_time() =>
        WeightsGradient(WindowGradient.Of<Simd256, Vector256<float>>);

    [Fact]
    public void The_weights_gradient_is_libtorchs_in_float64_by_4_numbers_at_a_time() =>
        WeightsGradient(WindowGradient.Of<Simd128, Vector128<float>>);

    [Fact]
    public void The_number_of_threads_changes_no_bit_of_it()
    {
        using var scope = NewDisposeScope();
        var (image, outer) = (randn(2, 16, 67, 45), randn(2, 64, 67, 45));
        var threads = get_num_threads();
        try
        {
            set_num_threads(1);
            var alone = WindowGradient.Of(image, outer);
            set_num_threads(4);

            var together = WindowGradient.Of(image, outer);

            together.Weight.Numbers<float>().ShouldBe(alone.Weight.Numbers<float>());
            together.Bias.Numbers<float>().ShouldBe(alone.Bias.Numbers<float>());
        }
        finally
        {
            set_num_threads(threads);
        }
    }

    [Fact]
    public void There_and_back_it_is_libtorchs_in_float64()
    {
        using var scope = NewDisposeScope();
        Tensor[] ours =
        [
            Pixels.ChannelsLast(randn(2, 16, 23, 37)).requires_grad_(), randn(64, 16, 3, 3).requires_grad_(), randn(64).requires_grad_(),
        ];
        Tensor[] exact = [.. ours.Select(input => input.detach().@double().requires_grad_())];
        var outer = randn(2, 64, 23, 37);

        var result = ShallowConvolution.Apply(ours[0], ours[1], ours[2]);
        result.backward([outer]);
        var right = nn.functional.conv2d(exact[0], exact[1], exact[2], padding: [1, 1]);
        right.backward([outer.@double()]);

        ShouldAgree(result, right);
        foreach (var (mine, reference) in ours.Zip(exact))
            ShouldAgree(mine.grad!, reference.grad!);
    }

    private static void WeightsGradient(GradientOf gradientOf) => Images.Sample(
        size =>
        {
            using var scope = NewDisposeScope();
            var image = randn(size.Pictures, size.Inputs, size.Height, size.Width);
            var outer = randn(size.Pictures, 64, size.Height, size.Width);
            var weight = zeros(64, size.Inputs, 3, 3, dtype: ScalarType.Float64).requires_grad_();
            nn.functional.conv2d(image.@double(), weight, padding: [1, 1]).backward([outer.@double()]);

            var (ofWeight, ofBias) = gradientOf(image, outer);

            ShouldAgree(ofWeight, weight.grad!);
            ShouldAgree(ofBias, outer.@double().sum([0, 2, 3]));
        },
        iter: 25, threads: 1);

    private static void ShouldAgree(Tensor result, Tensor right)
    {
        result.shape.ShouldBe(right.shape);
        var distance = ((result.@double() - right).abs().max() / right.abs().max()).item<double>();
        (distance <= Tolerance).ShouldBeTrue($"{distance}");
    }
}
