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

    // Sums of up to 17,000 float32 products, by 16 rows, as a share of the products' magnitudes, which signs do not cancel.
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
        Tensor[] magnitudes = [.. exact.Select(input => input.detach().abs().requires_grad_())];
        var outer = randn(2, outputs, 23, 37);
        Tensor Libtorchs(Tensor[] inputs, Tensor gradient)
        {
            var made = nn.functional.conv2d(inputs[0], inputs[1], inputs[2], padding: [size / 2, size / 2]);
            made.backward([gradient]);
            return made;
        }

        var result = TrainedConvolution.Apply(ours[0], ours[1], ours[2]);
        result.backward([outer]);

        ShouldAgree(result, Libtorchs(exact, outer.@double()), Libtorchs(magnitudes, outer.@double().abs()));
        for (var i = 0; i < ours.Length; i++)
            ShouldAgree(ours[i].grad!, exact[i].grad!, magnitudes[i].grad!);
    }

    private static void WeightsGradient(GradientOf gradientOf) => Images.Sample(
        size =>
        {
            using var scope = NewDisposeScope();
            var image = randn(size.Pictures, size.Inputs, size.Height, size.Width);
            var outer = randn(size.Pictures, 64, size.Height, size.Width);
            Tensor Libtorchs(Tensor pixels, Tensor gradient)
            {
                var weight = zeros(64, size.Inputs, size.Size, size.Size, dtype: ScalarType.Float64).requires_grad_();
                nn.functional.conv2d(pixels, weight, padding: [size.Size / 2, size.Size / 2]).backward([gradient]);
                return weight.grad!;
            }

            var (ofWeight, ofBias) = gradientOf(image, outer, size.Size);

            Tensor pixels = image.@double(), gradient = outer.@double();
            ShouldAgree(ofWeight, Libtorchs(pixels, gradient), Libtorchs(pixels.abs(), gradient.abs()));
            ShouldAgree(ofBias, gradient.sum([0, 2, 3]), gradient.abs().sum([0, 2, 3]));
        },
        iter: 25, threads: 1);

    private static void ShouldAgree(Tensor result, Tensor right, Tensor magnitudes)
    {
        result.shape.ShouldBe(right.shape);
        var distance = ((result.@double() - right).abs().max() / magnitudes.max()).item<double>();
        distance.ShouldBeLessThanOrEqualTo(Tolerance);
    }
}
