using System.Runtime.Intrinsics;
using CsCheck;
using GenIsp.Isp;
using GenIsp.Isp.Fused;
using GenIsp.Isp.Kernels;
using static TorchSharp.torch;

namespace GenIsp.Tests.Isp;

public sealed class TrainedConvolutionTests
{
    private delegate (Tensor Weight, Tensor Bias) GradientOf(Tensor image, Tensor gradient, int size);

    private static readonly Gen<(int Pictures, int Inputs, int Size, int Height, int Width)> Images =
        Gen.Select(Gen.Int[1, 2], Gen.Int[1, 4], Gen.Int[0, 3], Gen.Int[1, 40], Gen.Int[1, 210])
            .Select(drawn => (drawn.Item1, 16 * drawn.Item2, 2 * drawn.Item3 + 1, drawn.Item4, drawn.Item5));

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
            var alone = WindowGradient.Of(image, outer, 3);
            set_num_threads(4);

            var together = WindowGradient.Of(image, outer, 3);

            together.Weight.Numbers<float>().ShouldBe(alone.Weight.Numbers<float>());
            together.Bias.Numbers<float>().ShouldBe(alone.Bias.Numbers<float>());
        }
        finally
        {
            set_num_threads(threads);
        }
    }

    [Theory]
    [InlineData(16, 64, 3), InlineData(16, 32, 5)]
    public void There_and_back_it_is_libtorchs_in_float64(int inputs, int outputs, int size)
    {
        using var scope = NewDisposeScope();
        Tensor[] ours =
        [
            Pixels.ChannelsLast(randn(2, inputs, 23, 37)).requires_grad_(), randn(outputs, inputs, size, size).requires_grad_(),
            randn(outputs).requires_grad_(),
        ];
        Tensor[] exact = [.. ours.Select(input => input.detach().@double().requires_grad_())];
        var outer = randn(2, outputs, 23, 37);

        var result = TrainedConvolution.Apply(ours[0], ours[1], ours[2]);
        result.backward([outer]);
        var right = nn.functional.conv2d(exact[0], exact[1], exact[2], padding: [size / 2, size / 2]);
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
            var weight = zeros(64, size.Inputs, size.Size, size.Size, dtype: ScalarType.Float64).requires_grad_();
            nn.functional.conv2d(image.@double(), weight, padding: [size.Size / 2, size.Size / 2]).backward([outer.@double()]);

            var (ofWeight, ofBias) = gradientOf(image, outer, size.Size);

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
