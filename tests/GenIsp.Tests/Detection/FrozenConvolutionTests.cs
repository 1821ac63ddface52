using CsCheck;
using GenIsp.Detection;
using GenIsp.Isp;
using GenIsp.Isp.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace GenIsp.Tests.Detection;

public sealed class FrozenConvolutionTests
{
    private sealed record Layer(int Inputs, int Outputs, int Kernel, int Stride, int Groups, int Padding, int Height, int Width, bool Sum, Activation Activation)
    {
        public ConvolutionGeometry Geometry => new([Stride, Stride], [Padding, Padding], [1, 1], Groups);
    }

    private static readonly Activation[] Activations = [default, Activation.Relu, Activation.LeakyRelu(0.1f), Activation.Silu];

    private static readonly Gen<Layer> Layers = Gen.Select(
        OneOf(3, 16, 32, 64, 80, 112), OneOf(16, 36, 64, 80, 112, 208), OneOf(1, 3, 5), Gen.Int[1, 2],
        Gen.Int[1, 14], Gen.Int[1, 14], Gen.Int[0, 47], (inputs, outputs, kernel, stride, height, width, flags) =>
        {
            // Fewer zeros than keep the size, as many, or more; an image may be smaller than the window only where zeros fill it up.
            var padding = kernel / 2 + (flags >> 4) - 1;
            if (padding < 0 || Math.Min(height, width) + 2 * padding < kernel)
                padding = kernel / 2;
            var layer = new Layer(
                inputs, outputs, kernel, stride, 1, padding, height, width, (flags & 2) != 0, Activations[flags >> 2 & 3]);
            return (flags & 1) == 0 ? layer : layer with { Outputs = inputs, Groups = inputs };
        });

    private static Gen<int> OneOf(params int[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    // Against libtorch's convolution in float64, which is not oneDNN's: see Convolution.
    [Fact]
    public void Result_and_gradient_are_those_of_a_plain_convolution() => Layers.Sample(
        layer => Check(layer, new DetectorTypes(ScalarType.Float32, ScalarType.Float32), 1e-5, 1e-5), iter: 100, threads: 1);

    // A number of 8 bits is up to 1/256 wrong; a sum of hundreds with random signs, about as much.
    [Fact]
    public void Mixed_precision_rounds_the_gradient_only() => Layers.Sample(
        layer => Check(layer, DetectorTypes.Of(DetectorPrecision.Mixed), 1e-5, 1e-2), iter: 40, threads: 1);

    [Theory]
    [InlineData(1, false), InlineData(2, true)]
    public void Mixed_precision_rounds_where_no_kernel_is(int groups, bool rounds)
    {
        using var scope = NewDisposeScope();
        var weight = rand(32, 32 / groups, 3, 3);
        var outer = randn(1, 32, 9, 9);
        float[] Back(DetectorPrecision precision)
        {
            using var convolution = new FrozenConvolution(weight, null, ConvolutionGeometry.Same(3) with { Groups = groups }, DetectorTypes.Of(precision));
            var image = Pixels.ChannelsLast(rand(1, 32, 9, 9)).requires_grad_();
            convolution.Forward(image).backward([outer]);
            return image.grad!.Numbers<float>();
        }

        Back(DetectorPrecision.Mixed).SequenceEqual(Back(DetectorPrecision.Float32)).ShouldBe(!rounds);
    }

    [Fact]
    public void Bfloat16_rounds_both() => Layers.Where(layer => layer.Activation == default && layer.Groups == 1).Sample(
        layer => Check(layer, DetectorTypes.Of(DetectorPrecision.Bfloat16), 1e-2, 1e-2), iter: 40, threads: 1);

    // 256 → 1024 ended the process, 64 → 80 came out wrong where libtorch chose the kernel.
    [Theory]
    [InlineData(256, 1024, 25, 38), InlineData(1024, 256, 25, 38), InlineData(64, 80, 52, 52), InlineData(96, 112, 26, 26)]
    public void Projections_that_libtorch_gets_wrong_are_right(int inputs, int outputs, int height, int width) => Check(
        new Layer(inputs, outputs, 1, 1, 1, 0, height, width, Sum: false, Activation: default), DetectorTypes.Of(DetectorPrecision.Float32), 1e-5,
        1e-5);

    [Fact]
    public void A_gradient_leaves_no_tensor_behind()
    {
        using var outer = NewDisposeScope();
        using var convolution = new FrozenConvolution(
            rand(16, 16, 3, 3), null, ConvolutionGeometry.Same(3), DetectorTypes.Of(DetectorPrecision.Float32));
        using var image = rand([1, 16, 8, 8], requires_grad: true);
        long Step()
        {
            using (NewDisposeScope())
                convolution.Forward(Pixels.ChannelsLast(image), activation: Activation.Relu).sum().backward();
            return DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        }

        Step();
        var before = Step();

        Step().ShouldBe(before);
    }

    [Fact]
    public void A_gradient_flows_to_the_addend_alone()
    {
        using var scope = NewDisposeScope();
        using var convolution = new FrozenConvolution(
            rand(32, 32, 3, 3), null, ConvolutionGeometry.Same(3), DetectorTypes.Of(DetectorPrecision.Float32));
        var addend = Pixels.ChannelsLast(randn(1, 32, 9, 9)).requires_grad_();

        var result = convolution.Forward(Pixels.ChannelsLast(zeros(1, 32, 9, 9)), addend, activation: Activation.Relu);
        result.sum().backward();

        addend.grad!.Numbers<float>().ShouldBe((addend > 0).to_type(ScalarType.Float32).Numbers<float>());
    }

    private static void Check(Layer layer, DetectorTypes types, double tolerance, double gradientTolerance)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(7);
        Tensor Random(params long[] shape) => randn(shape, dtype: ScalarType.Float64, generator: generator);
        var weight = Random(layer.Outputs, layer.Inputs / layer.Groups, layer.Kernel, layer.Kernel);
        var (bias, image) = (Random(layer.Outputs), Random(2, layer.Inputs, layer.Height, layer.Width).requires_grad_());
        var geometry = layer.Geometry;
        using var convolution = new FrozenConvolution(weight, bias, geometry, types);

        var expected = nn.functional.conv2d(image, weight, bias, geometry.Strides, geometry.Padding, geometry.Dilation, geometry.Groups);
        var addend = layer.Sum ? Random(expected.shape).requires_grad_() : null;
        expected = addend is null ? expected : expected + addend;
        // What is near 0 goes on or off by rounding.
        var isActive = layer.Activation != default;
        var shift = isActive ? expected.detach().sign() * 0.5 : zeros_like(expected);
        expected = layer.Activation.Apply(expected + shift);
        var rounded = Pixels.ChannelsLast(image.detach().to_type(types.Forward)).requires_grad_();
        var sum = isActive || addend is not null
            ? Pixels.ChannelsLast(((addend?.detach() ?? zeros_like(expected)) + shift).detach().to_type(types.Forward))
            : null;
        sum?.requires_grad_(layer.Sum);
        var actual = convolution.Forward(rounded, sum, layer.Activation);

        actual.dtype.ShouldBe(types.Forward);
        var outer = Random(expected.shape);
        expected.backward([outer]);
        actual.backward([outer.to_type(types.Forward)]);
        Distance(actual, expected).ShouldBeLessThan(tolerance, $"{layer}");
        Distance(rounded.grad!, image.grad!).ShouldBeLessThan(gradientTolerance, $"{layer}");
        if (addend is not null)
            Distance(sum!.grad!, addend.grad!).ShouldBeLessThan(gradientTolerance, $"{layer}");
    }

    // Of lengths.
    private static double Distance(Tensor actual, Tensor expected)
    {
        var distance = (actual.detach().to_type(ScalarType.Float64) - expected.detach()).norm().item<double>()
            / Math.Max(1e-9, expected.detach().norm().item<double>());
        return double.IsNaN(distance) ? double.PositiveInfinity : distance; // what is no number passes for less than any tolerance
    }
}
