using CsCheck;
using GenIsp.Detection;
using GenIsp.Isp.Kernels;
using static TorchSharp.torch;

namespace GenIsp.Tests.Detection;

public sealed class ConvolutionTests
{
    // Float64 is not oneDNN's, whose float32 is wrong on some machines: see Convolution.
    [Fact]
    public void Result_and_both_gradients_are_those_of_a_plain_convolution_in_float64() => Gen.Select(
        Gen.Int[1, 30], Gen.Int[1, 30], Gen.Int[0, 2], Gen.Int[1, 2], Gen.Int[1, 2], Gen.Int[1, 20], Gen.Int[1, 20]).Sample(
        (inputs, outputs, half, stride, dilation, height, width) =>
        {
            using var scope = NewDisposeScope();
            using var generator = new Generator(7);
            Tensor Random(params long[] shape) => randn(shape, dtype: ScalarType.Float64, generator: generator);
            var (kernel, pad) = (2 * half + 1, half * dilation);
            var geometry = new ConvolutionGeometry([stride, stride], [pad, pad], [dilation, dilation], 1);
            Tensor[] plain = [Random(2, 4 * inputs, height, width), Random(4 * outputs, 4 * inputs, kernel, kernel), Random(4 * outputs)];
            Tensor[] single = [.. plain.Select(tensor => tensor.to_type(ScalarType.Float32).requires_grad_())];
            foreach (var tensor in plain)
                tensor.requires_grad_();

            var expected = nn.functional.conv2d(
                plain[0], plain[1], plain[2], geometry.Strides, geometry.Padding, geometry.Dilation, geometry.Groups);
            var actual = Convolution.Apply(single[0], single[1], single[2], geometry);
            var outer = Random(expected.shape);
            expected.backward([outer]);
            actual.backward([outer.to_type(ScalarType.Float32)]);

            Distance(actual, expected).ShouldBeLessThan(1e-5);
            foreach (var (mine, reference) in single.Zip(plain))
                Distance(mine.grad!, reference.grad!).ShouldBeLessThan(1e-5);
        },
        iter: 60, threads: 1);

    // Of lengths.
    private static double Distance(Tensor actual, Tensor expected) =>
        (actual.detach().to_type(ScalarType.Float64) - expected.detach()).norm().item<double>() / expected.detach().norm().item<double>();
}
