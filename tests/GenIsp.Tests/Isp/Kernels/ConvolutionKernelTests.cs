using System.Runtime.Intrinsics;
using CsCheck;
using GenIsp.Isp;
using GenIsp.Isp.Fused;
using GenIsp.Isp.Kernels;
using static TorchSharp.torch;

namespace GenIsp.Tests.Isp.Kernels;

public sealed class ConvolutionKernelTests
{
    private sealed record Layer(
        int Pictures, int Inputs, int Outputs, int KernelHeight, int KernelWidth, int Stride, int Padding, int Height, int Width, int Flags)
    {
        public int Groups { get; init; } = 1;

        public bool Bias => (Flags & 1) != 0;

        public bool Sum => (Flags & 2) != 0;

        public Activation Activation => Activations[Flags >> 2];

        public ConvolutionGeometry Geometry => new([Stride, Stride], [Padding, Padding], [1, 1], Groups);
    }

    private delegate ConvolutionKernel? Maker(Tensor weight, Tensor? bias, ConvolutionGeometry geometry);

    // A rounding of float32 is 6e-8 of each product. Winograd's transforms multiply by up to 8 and add 36 numbers: a digit more.
    private const double Tolerance = 1e-5;

    private static readonly Activation[] Activations = [default, Activation.Relu, Activation.LeakyRelu(0.1f), Activation.Silu];

    private static readonly Gen<Layer> Windows = Layers(inputs: 16, Gen.Const(3), Gen.Const(1), Gen.Int[0, 2]);

    private static readonly Gen<Layer> Products = Layers(inputs: 1, Gen.Const(1), Gen.Const(1), Gen.Const(0));

    private static readonly Gen<Layer> Patches = Layers(inputs: 1, Gen.Int[1, 7], Gen.Int[1, 3], Gen.Int[0, 3]);

    private static readonly Gen<Layer> Depthwise = Patches.Select(layer => layer with { Inputs = layer.Outputs, Groups = layer.Outputs });

    [Fact]
    public void Windows_are_libtorchs_in_float64_by_16_numbers_at_a_time() => Check(Windows, ConvolutionKernel.Of<Simd512, Vector512<float>>);

    [Fact]
    public void Windows_are_libtorchs_in_float64_by_8_numbers_at_a_time() => Check(Windows, ConvolutionKernel.Of<Simd256, Vector256<float>>);

    [Fact]
    public void Windows_are_libtorchs_in_float64_by_4_numbers_at_a_time() => Check(Windows, ConvolutionKernel.Of<Simd128, Vector128<float>>);

    [Fact]
    public void Products_are_libtorchs_in_float64_by_16_numbers_at_a_time() => Check(Products, ConvolutionKernel.Of<Simd512, Vector512<float>>);

    [Fact]
    public void Products_are_libtorchs_in_float64_by_8_numbers_at_a_time() => Check(Products, ConvolutionKernel.Of<Simd256, Vector256<float>>);

    [Fact]
    public void Products_are_libtorchs_in_float64_by_4_numbers_at_a_time() => Check(Products, ConvolutionKernel.Of<Simd128, Vector128<float>>);

    [Fact]
    public void Patches_are_libtorchs_in_float64_by_16_numbers_at_a_time() => Check(Patches, ConvolutionKernel.Of<Simd512, Vector512<float>>);

    [Fact]
    public void Patches_are_libtorchs_in_float64_by_8_numbers_at_a_time() => Check(Patches, ConvolutionKernel.Of<Simd256, Vector256<float>>);

    [Fact]
    public void Patches_are_libtorchs_in_float64_by_4_numbers_at_a_time() => Check(Patches, ConvolutionKernel.Of<Simd128, Vector128<float>>);

    [Fact]
    public void Depthwise_is_libtorchs_in_float64_by_16_numbers_at_a_time() => Check(Depthwise, ConvolutionKernel.Of<Simd512, Vector512<float>>);

    [Fact]
    public void Depthwise_is_libtorchs_in_float64_by_8_numbers_at_a_time() => Check(Depthwise, ConvolutionKernel.Of<Simd256, Vector256<float>>);

    [Fact]
    public void Depthwise_is_libtorchs_in_float64_by_4_numbers_at_a_time() => Check(Depthwise, ConvolutionKernel.Of<Simd128, Vector128<float>>);

    // More channels than fit a step of the sums, a single one, columns that fill no panel, a window deeper than is copied at once; few
    // channels over lines that are longer than a part, or with places further apart than the window is wide, and one channel too many.
    [Theory]
    [InlineData(600, 300, 1, 1, 10, 20), InlineData(1, 1, 1, 1, 1, 1), InlineData(7, 33, 1, 1, 96, 1), InlineData(513, 2, 1, 1, 97, 1)]
    [InlineData(300, 40, 3, 2, 13, 11), InlineData(3, 64, 7, 2, 75, 91), InlineData(64, 64, 3, 1, 41, 57)]
    [InlineData(3, 16, 7, 1, 20, 400), InlineData(5, 24, 3, 2, 70, 421), InlineData(2, 16, 1, 3, 9, 700), InlineData(65, 16, 5, 2, 9, 31)]
    [InlineData(3, 16, 2, 65536, 416, 416)]
    public void Layers_of_any_size_are_right(int inputs, int outputs, int kernel, int stride, int height, int width) => Check(
        new Layer(2, inputs, outputs, kernel, kernel, stride, kernel / 2, height, width, Flags: 7), ConvolutionKernel.Of);

    [Theory]
    [InlineData(3, 1), InlineData(1, 1), InlineData(3, 2), InlineData(5, 1)]
    public void The_number_of_threads_changes_no_bit(int kernel, int stride)
    {
        using var scope = NewDisposeScope();
        using var convolution = ConvolutionKernel.Of(randn(48, 64, kernel, kernel), null, ConvolutionGeometry.Same(kernel, stride))!;
        var image = Pixels.ChannelsLast(randn(2, 64, 41, 57));
        var outer = randn(convolution.Apply(image).shape);
        float[] ThereAndBack() => [.. convolution.Apply(image).Numbers<float>(), .. convolution.Back(outer, image.shape).Numbers<float>()];
        var threads = get_num_threads();
        try
        {
            set_num_threads(1);
            var alone = ThereAndBack();
            set_num_threads(4);

            ThereAndBack().ShouldBe(alone);
        }
        finally
        {
            set_num_threads(threads);
        }
    }

    [Theory]
    [InlineData(3, 2, 1, 64), InlineData(3, 1, 2, 64), InlineData(3, 1, 64, 128), InlineData(3, 1, 1, 3)]
    public void Other_windows_are_left_to_libtorch(int kernel, int dilation, int groups, int outputs)
    {
        using var weight = rand(outputs, 64 / groups, kernel, kernel);

        ConvolutionKernel.Of(weight, null, new([1, 1], [1, 1], [dilation, dilation], groups)).ShouldBeNull();
    }

    [Fact]
    public void Weights_in_bfloat16_are_left_to_libtorch()
    {
        using var weight = rand([64, 64, 3, 3], dtype: ScalarType.BFloat16);

        ConvolutionKernel.Of(weight, null, ConvolutionGeometry.Same(3)).ShouldBeNull();
    }

    [Theory]
    [InlineData(1, 1), InlineData(3, 1), InlineData(3, 2)]
    public void What_does_not_fit_the_weights_is_refused(int kernel, int stride)
    {
        using var scope = NewDisposeScope();
        using var convolution = ConvolutionKernel.Of(rand(32, 32, kernel, kernel), null, new([stride, stride], [0, 0], [1, 1], 1))!;
        var image = rand(1, 32, 8, 8);
        var (result, signs) = convolution.ApplyAndKeep(image, null, Activation.Relu);

        Should.Throw<ArgumentException>(() => convolution.Apply(rand(1, 16, 8, 8)));
        Should.Throw<ArgumentException>(() => convolution.Apply(rand(32, 8, 8)));
        Should.Throw<ArgumentException>(() => convolution.Apply(rand(1, 32, kernel - 1, 8)));
        Should.Throw<ArgumentException>(() => convolution.Apply(rand([1, 32, 8, 8], dtype: ScalarType.Float64)));
        Should.Throw<ArgumentException>(() => convolution.Apply(image, addend: rand(1, 32, 1, 1)));
        Should.Throw<ArgumentException>(() => convolution.Back(rand(1, 16, 8, 8), image.shape));
        Should.Throw<ArgumentException>(() => convolution.Back(result, [1, 32, 30, 30]));
        Should.Throw<ArgumentException>(() => convolution.BackThrough(Activation.Relu, result, signs[..1]));
        Should.Throw<ArgumentException>(() => ConvolutionKernel.Of(rand(32, 32, kernel, kernel), rand(8), ConvolutionGeometry.Same(kernel)));
    }

    [Fact]
    public void What_is_no_number_passes_ReLU_as_in_libtorch()
    {
        using var scope = NewDisposeScope();
        using var convolution = ConvolutionKernel.Of(rand(32, 1, 1, 1).Plus(1), null, ConvolutionGeometry.Same(1))!;

        var (result, signs) = convolution.ApplyAndKeep(
            tensor([float.NaN, -1, 0, 2], [1, 1, 2, 2]), null, Activation.Relu);

        result[0, 5].flatten().isnan().Numbers<bool>().ShouldBe([true, false, false, false]);
        convolution.BackThrough(Activation.Relu, ones(1, 32, 2, 2), signs)[0, 5].flatten().Numbers<float>().ShouldBe([1, 0, 0, 1]);
    }

    [Fact]
    public void SiLU_of_numbers_beyond_all_others_is_libtorchs()
    {
        using var scope = NewDisposeScope();
        using var convolution = ConvolutionKernel.Of(ones(32, 1, 1, 1), null, ConvolutionGeometry.Same(1))!;

        var (result, kept) = convolution.ApplyAndKeep(
            tensor([float.NaN, float.PositiveInfinity, -1e37f, -88, 88, 0], [1, 1, 2, 3]), null, Activation.Silu);
        var slope = convolution.BackThrough(Activation.Silu, ones(1, 32, 2, 3), kept)[0, 5].flatten().Numbers<float>();

        var values = result[0, 5].flatten().Numbers<float>();
        (float.IsNaN(values[0]), float.IsPositiveInfinity(values[1])).ShouldBe((true, true));
        values[2..].ShouldBe([0, 0, 88, 0], 1e-6);
        float.IsNaN(slope[0]).ShouldBeTrue();
        slope[2..].ShouldBe([0, 0, 1, 0.5f], 1e-6);
    }

    [Theory]
    [InlineData(3, 1, 1), InlineData(1, 1, 1), InlineData(3, 2, 1), InlineData(3, 1, 32)]
    public void What_is_disposed_of_is_refused(int kernel, int stride, int groups)
    {
        using var scope = NewDisposeScope();
        var convolution = ConvolutionKernel.Of(
            rand(32, 32 / groups, kernel, kernel), null, ConvolutionGeometry.Same(kernel, stride) with { Groups = groups })!;
        var image = rand(1, 32, 8, 8);
        var result = convolution.Apply(image);
        convolution.Dispose();

        Should.Throw<ObjectDisposedException>(() => convolution.Apply(image));
        Should.Throw<ObjectDisposedException>(() => convolution.Back(result, image.shape));
    }

    // There, back, or both; of the highest window the last part alone.
    [Theory]
    [InlineData(1, 32, 16, 1, 1), InlineData(2, 16, 32, 1, 1), InlineData(2, 16, 16, 3, 3), InlineData(1, 12, 16, 3, 3)]
    [InlineData(1, 16, 16, 33, 1), InlineData(1, 5, 16, 5, 3)]
    public void Matrices_that_fill_one_vector_are_libtorchs_in_float64(int pictures, int inputs, int outputs, int height, int width)
    {
        var layer = new Layer(pictures, inputs, outputs, height, width, 1, 0, height + 8, width + 12, Flags: 1);

        Check(layer, ConvolutionKernel.Of<Simd512, Vector512<float>>);
        Check(layer, ConvolutionKernel.Of<Simd256, Vector256<float>>);
        Check(layer, ConvolutionKernel.Of<Simd128, Vector128<float>>);
    }

    private static Gen<Layer> Layers(int inputs, Gen<int> kernel, Gen<int> stride, Gen<int> padding) => Gen.Select(
        Gen.Select(Gen.Int[1, 2], Gen.Int[inputs, 80], Gen.Int[16, 80]), Gen.Select(kernel, kernel, stride, padding),
        Gen.Select(Gen.Int[1, 30], Gen.Int[1, 30], Gen.Int[0, 15]), (channels, window, size) => new Layer(
            channels.Item1, channels.Item2, channels.Item3, window.Item1, window.Item2, window.Item3, window.Item4,
            Math.Max(size.Item1, window.Item1), Math.Max(size.Item2, window.Item2), size.Item3));

    private static void Check(Gen<Layer> layers, Maker make) => layers.Sample(layer => Check(layer, make), iter: 25, threads: 1);

    // There and back. What roundings may add up to are the products' magnitudes, which signs do not cancel.
    private static void Check(Layer layer, Maker make)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(7);
        Tensor Random(params long[] shape) => randn(shape, generator: generator);
        var weight = Random(layer.Outputs, layer.Inputs / layer.Groups, layer.KernelHeight, layer.KernelWidth);
        var bias = layer.Bias ? Random(layer.Outputs) : null;
        var image = Pixels.ChannelsLast(Random(layer.Pictures, layer.Inputs, layer.Height, layer.Width));
        var (exact, magnitude) = (image.@double().requires_grad_(), image.@double().abs().requires_grad_());
        var right = Libtorchs(layer, exact, weight.@double(), bias?.@double());
        var addend = layer.Sum ? Random(right.shape) : null;
        right = addend is null ? right : right + addend.@double();
        var magnitudes = Libtorchs(layer, magnitude, weight.@double().abs(), bias?.@double().abs());
        var outer = Random(right.shape);
        using var kernel = make(weight, bias, layer.Geometry)!;

        var plain = kernel.Apply(image, addend);
        Distance(plain, right, magnitudes).ShouldBeLessThan(Tolerance, $"{layer}");
        var gradient = layer.Activation == default ? outer : BackThrough(layer, kernel, image, addend, plain, outer);
        right.backward([gradient.@double()]);
        magnitudes.backward([gradient.@double().abs()]);
        Distance(kernel.Back(gradient, image.shape), exact.grad!, magnitude.grad!).ShouldBeLessThan(Tolerance, $"{layer}");
    }

    // Numbers by themselves: a few roundings.
    private static Tensor BackThrough(Layer layer, ConvolutionKernel kernel, Tensor image, Tensor? addend, Tensor plain, Tensor outer)
    {
        var before = plain.@double().requires_grad_();
        var after = layer.Activation.Apply(before.clone());
        after.backward([outer.@double()]);

        var (result, kept) = kernel.ApplyAndKeep(image, addend, layer.Activation);
        var gradient = kernel.BackThrough(layer.Activation, outer, kept);

        Distance(result, after, after.abs()).ShouldBeLessThan(1e-6, $"{layer}");
        kernel.Apply(image, addend, layer.Activation).Numbers<float>().ShouldBe(result.Numbers<float>());
        Distance(gradient, before.grad!, before.grad!.abs()).ShouldBeLessThan(1e-6, $"{layer}");
        return gradient;
    }

    private static Tensor Libtorchs(Layer layer, Tensor image, Tensor weight, Tensor? bias) => nn.functional.conv2d(
        image, weight, bias, strides: [layer.Stride, layer.Stride], padding: [layer.Padding, layer.Padding],
        groups: layer.Groups);

    // As a share of the largest magnitude.
    private static double Distance(Tensor result, Tensor right, Tensor magnitudes)
    {
        result.shape.ShouldBe(right.shape);
        var distance = ((result.@double() - right).abs().max() / magnitudes.max().clamp_min(1e-30)).item<double>();
        return double.IsNaN(distance) ? double.PositiveInfinity : distance; // no number is less than any tolerance
    }
}
