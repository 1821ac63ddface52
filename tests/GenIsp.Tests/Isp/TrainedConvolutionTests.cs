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

    // Channels that fill vectors, as 3×3 windows by Winograd need them, and others.
    private static readonly Gen<(int Pictures, int Inputs, int Outputs, int Size, int Height, int Width)> Images =
        Gen.Select(
            Gen.Int[1, 2], OneOf(1, 3, 16, 32, 48, 64), OneOf(16, 32, 64), OneOf(1, 3, 3, 5, 7),
            Gen.Select(Gen.Int[1, 40], Gen.Int[1, 210]),
            (pictures, inputs, outputs, size, image) => (pictures, inputs, outputs, size, image.Item1, image.Item2));

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
    [InlineData(16, 64, 3), InlineData(16, 32, 5), InlineData(3, 16, 7), InlineData(3, 16, 3)]
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

    [Fact]
    public void Each_picture_may_have_weights_of_its_own_and_one_that_learns_nothing_gets_no_gradient()
    {
        using var scope = NewDisposeScope();
        var (images, weight, bias) = (rand(2, 3, 9, 11), randn(16, 3, 7, 7).requires_grad_(), randn(16).requires_grad_());
        var gains = randn(2, 3).requires_grad_();
        var same = weight.detach().clone().requires_grad_();
        var sameGains = gains.detach().clone().requires_grad_();
        var outer = randn(2, 16, 9, 11);

        TrainedConvolution.ApplyToEach(images, picture => weight * gains[picture].view(3, 1, 1), bias).backward([outer]);
        nn.functional.conv2d(images * sameGains.view(2, 3, 1, 1), same, padding: [3, 3]).backward([outer]);

        images.grad.ShouldBeNull();
        Distance(weight.grad!, same.grad!).ShouldBeLessThan(1e-5);
        Distance(gains.grad!, sameGains.grad!).ShouldBeLessThan(1e-5);
    }

    [Fact]
    public void Weights_of_another_dtype_are_left_to_libtorch_which_says_what_is_wrong()
    {
        using var scope = NewDisposeScope();

        Should.Throw<System.Runtime.InteropServices.ExternalException>(
            () => TrainedConvolution.Apply(rand(1, 3, 4, 4), rand([16, 3, 3, 3], dtype: ScalarType.Float64), rand(16))).Message.ShouldContain("type");
    }

    private static Gen<int> OneOf(params int[] numbers) => Gen.Int[0, numbers.Length - 1].Select(i => numbers[i]);

    private static double Distance(Tensor a, Tensor b) => ((a - b).abs().max() / b.abs().max()).item<float>();

    private static void WeightsGradient(GradientOf gradientOf) => Images.Sample(
        size =>
        {
            using var scope = NewDisposeScope();
            var image = randn(size.Pictures, size.Inputs, size.Height, size.Width);
            var outer = randn(size.Pictures, size.Outputs, size.Height, size.Width);
            Tensor Libtorchs(Tensor pixels, Tensor gradient)
            {
                var weight = zeros(size.Outputs, size.Inputs, size.Size, size.Size, dtype: ScalarType.Float64).requires_grad_();
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
