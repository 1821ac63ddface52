using System.Runtime.Intrinsics;
using CsCheck;
using GenIsp.Detection;
using GenIsp.Detection.Kernels;
using GenIsp.Isp.Fused;
using static TorchSharp.torch;

namespace GenIsp.Tests.Detection.Kernels;

public sealed class ConvolutionKernelTests
{
    private sealed record Layer(int Pictures, int Inputs, int Outputs, int Padding, int Height, int Width, bool Bias);

    private static readonly Gen<Layer> Layers = Gen.Select(
        Gen.Int[1, 2], Gen.Int[16, 80], Gen.Int[16, 80], Gen.Int[0, 2], Gen.Int[3, 30], Gen.Int[3, 30], Gen.Bool,
        (pictures, inputs, outputs, padding, height, width, bias) => new Layer(pictures, inputs, outputs, padding, height, width, bias));

    // Winograd's transforms multiply by up to 8 and add 36 numbers, so float32 loses a digit more than directly.
    private const double Tolerance = 1e-5;

    [Fact]
    public void Windows_are_libtorchs_in_float64_by_16_numbers_at_a_time() =>
        Windows(ConvolutionKernel.Of<Simd512, Vector512<float>>);

    [Fact]
    public void Windows_are_libtorchs_in_float64_by_8_numbers_at_a_time() =>
        Windows(ConvolutionKernel.Of<Simd256, Vector256<float>>);

    [Fact]
    public void Windows_are_libtorchs_in_float64_by_4_numbers_at_a_time() =>
        Windows(ConvolutionKernel.Of<Simd128, Vector128<float>>);

    [Fact]
    public void Products_are_libtorchs_in_float64_by_16_numbers_at_a_time() =>
        Products(ConvolutionKernel.Of<Simd512, Vector512<float>>);

    [Fact]
    public void Products_are_libtorchs_in_float64_by_8_numbers_at_a_time() =>
        Products(ConvolutionKernel.Of<Simd256, Vector256<float>>);

    [Fact]
    public void Products_are_libtorchs_in_float64_by_4_numbers_at_a_time() =>
        Products(ConvolutionKernel.Of<Simd128, Vector128<float>>);

    [Theory]
    [InlineData(600, 300, 200), InlineData(1, 1, 1), InlineData(7, 33, 96), InlineData(513, 2, 97)]
    public void Products_of_any_size_are_right(int inputs, int outputs, int pixels)
    {
        using var scope = NewDisposeScope();
        var (weight, rows) = (randn(outputs, inputs), randn(pixels, inputs));

        var result = ConvolutionKernel.Of(weight, null, ConvolutionGeometry.Same(1))!.Apply(rows);

        Distance(result, rows.@double().matmul(weight.@double().t())).ShouldBeLessThan(Tolerance);
    }

    [Fact]
    public void The_number_of_threads_changes_no_bit()
    {
        using var scope = NewDisposeScope();
        var (weight, matrix) = (randn(48, 64, 3, 3), randn(100, 64));
        var (image, rows) = (Convolution.ChannelsLast(randn(1, 64, 41, 57)), randn(41 * 57, 64));
        var (window, product) = (
            ConvolutionKernel.Of(weight, null, ConvolutionGeometry.Same(3))!, ConvolutionKernel.Of(matrix, null, ConvolutionGeometry.Same(1))!);
        var threads = get_num_threads();
        try
        {
            set_num_threads(1);
            var (alone, aloneRows) = (window.Apply(image), product.Apply(rows));
            set_num_threads(4);

            window.Apply(image).Numbers<float>().ShouldBe(alone.Numbers<float>());
            product.Apply(rows).Numbers<float>().ShouldBe(aloneRows.Numbers<float>());
        }
        finally
        {
            set_num_threads(threads);
        }
    }

    [Theory]
    [InlineData(3, 2, 1, 1, 64, 64), InlineData(3, 1, 2, 1, 64, 64), InlineData(3, 1, 1, 2, 64, 64), InlineData(5, 1, 1, 1, 64, 64)]
    [InlineData(3, 1, 1, 1, 64, 3), InlineData(3, 1, 1, 1, 3, 64)]
    public void Other_windows_are_left_to_libtorch(int kernel, int stride, int dilation, int groups, int outputs, int inputs)
    {
        using var weight = rand(outputs, inputs / groups, kernel, kernel);

        ConvolutionKernel.Of(weight, null, new([stride, stride], [1, 1], [dilation, dilation], groups)).ShouldBeNull();
    }

    [Fact]
    public void Weights_in_bfloat16_are_left_to_libtorch()
    {
        using var weight = rand([64, 64, 3, 3], dtype: ScalarType.BFloat16);

        ConvolutionKernel.Of(weight, null, ConvolutionGeometry.Same(3)).ShouldBeNull();
    }

    [Fact]
    public void What_does_not_fit_the_weights_is_refused()
    {
        using var scope = NewDisposeScope();
        var window = ConvolutionKernel.Of(rand(32, 32, 3, 3), null, new([1, 1], [0, 0], [1, 1], 1))!;
        var product = ConvolutionKernel.Of(rand(32, 32), null, ConvolutionGeometry.Same(1))!;

        Should.Throw<ArgumentException>(() => window.Apply(Convolution.ChannelsLast(rand(1, 16, 8, 8))));
        Should.Throw<ArgumentException>(() => window.Apply(Convolution.ChannelsLast(rand(1, 32, 2, 8))));
        Should.Throw<ArgumentException>(() => window.Apply(rand([1, 32, 8, 8], dtype: ScalarType.Float64)));
        Should.Throw<ArgumentException>(() => product.Apply(rand(8, 16)));
        Should.Throw<ArgumentException>(() => ConvolutionKernel.Of(rand(32, 32), rand(8), ConvolutionGeometry.Same(1)));
    }

    private static void Windows(Func<Tensor, Tensor?, ConvolutionGeometry, ConvolutionKernel?> of) => Layers.Sample(
        layer =>
        {
            using var scope = NewDisposeScope();
            var weight = randn(layer.Outputs, layer.Inputs, 3, 3);
            var bias = layer.Bias ? randn(layer.Outputs) : null;
            var image = Convolution.ChannelsLast(randn(layer.Pictures, layer.Inputs, layer.Height, layer.Width));
            var geometry = new ConvolutionGeometry([1, 1], [layer.Padding, layer.Padding], [1, 1], 1);

            var result = of(weight, bias, geometry)!.Apply(image);

            var right = nn.functional.conv2d(
                image.@double(), weight.@double(), bias?.@double(), padding: [layer.Padding, layer.Padding]);
            Distance(result, right).ShouldBeLessThan(Tolerance);
        },
        iter: 25, threads: 1);

    private static void Products(Func<Tensor, Tensor?, ConvolutionGeometry, ConvolutionKernel?> of) => Layers.Sample(
        layer =>
        {
            using var scope = NewDisposeScope();
            var (weight, bias) = (randn(layer.Outputs, layer.Inputs), layer.Bias ? randn(layer.Outputs) : null);
            var rows = randn(layer.Height * layer.Width, layer.Inputs);

            var result = of(weight, bias, ConvolutionGeometry.Same(1))!.Apply(rows);

            Distance(result, nn.functional.linear(rows.@double(), weight.@double(), bias?.@double())).ShouldBeLessThan(Tolerance);
        },
        iter: 25, threads: 1);

    // As a share of the largest number.
    private static double Distance(Tensor result, Tensor right)
    {
        result.shape.ShouldBe(right.shape);
        var distance = ((result.@double() - right).abs().max() / right.abs().max()).item<double>();
        return double.IsNaN(distance) ? double.PositiveInfinity : distance; // no number is less than any tolerance
    }
}
