using GenIsp.Isp;
using TorchSharp;
using static TorchSharp.torch;

namespace GenIsp.Tests.Isp;

public sealed class NormActivationProjectionTests : IDisposable
{
    private const double Slope = 0.01;
    private const double Epsilon = 1e-5;

    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    // One pixel, a few, more than a block, and many; dark as a night.
    [Theory]
    [InlineData(1, 16, 1, 1, 1)]
    [InlineData(2, 32, 1, 5, 1)]
    [InlineData(1, 16, 3, 7, 1e-3)]
    [InlineData(2, 64, 41, 53, 1)]
    public void Equals_libtorchs_three_operations_there_and_back(int pictures, int channels, int height, int width, double scale)
    {
        random.manual_seed(5);
        Tensor[] inputs = [Pixels.ChannelsLast(randn(pictures, channels, height, width) * scale), randn(3, channels, 1, 1), randn(3)];
        Tensor[] ours = [.. inputs.Select(input => input.clone().requires_grad_())];
        // In float64, so that only one side rounds.
        Tensor[] theirs = [.. inputs.Select(input => input.to(ScalarType.Float64).requires_grad_())];
        var outer = randn(pictures, 3, height, width);

        var result = NormActivationProjection.Apply(ours[0], ours[1], ours[2], Slope, Epsilon);
        result.backward([outer]);
        var activated = nn.functional.leaky_relu(nn.functional.instance_norm(theirs[0], eps: Epsilon), Slope);
        var exact = nn.functional.conv2d(activated, theirs[1], theirs[2]);
        exact.backward([outer.to(ScalarType.Float64)]);

        // Sums of up to 64 · 2,173 float32 numbers.
        Distance(result, exact).ShouldBeLessThan(1e-5);
        foreach (var (mine, reference) in ours.Zip(theirs))
        {
            mine.grad!.shape.ShouldBe(reference.shape);
            Distance(mine.grad!, reference.grad!).ShouldBeLessThan(1e-5 * Math.Max(1, reference.grad!.abs().max().item<double>()));
        }
    }

    [Fact]
    public void Is_the_same_with_and_without_a_gradient()
    {
        random.manual_seed(6);
        var (features, weight, bias) = (Pixels.ChannelsLast(randn(1, 16, 19, 23)).requires_grad_(), randn(3, 16, 1, 1), randn(3));
        var result = NormActivationProjection.Apply(features, weight, bias, Slope, Epsilon);
        using var quiet = no_grad();

        var plain = NormActivationProjection.Apply(features, weight, bias, Slope, Epsilon);

        plain.requires_grad.ShouldBeFalse();
        plain.equal(result).all().item<bool>().ShouldBeTrue();
    }

    private static double Distance(Tensor a, Tensor b) => (a.to(ScalarType.Float64) - b.to(ScalarType.Float64)).abs().max().item<double>();
}
