using GenIsp.Isp;
using TorchSharp;
using static TorchSharp.torch;

namespace GenIsp.Tests.Isp;

public sealed class NormActivationTests : IDisposable
{
    private const double Slope = 0.01;
    private const double Epsilon = 1e-5;

    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    // One pixel, a few, more than a block, and many; dark as a night, and far from 0.
    [Theory]
    [InlineData(1, 16, 1, 1, 1, 0)]
    [InlineData(2, 16, 1, 5, 1, 0)]
    [InlineData(1, 16, 3, 7, 1e-3, 0)]
    [InlineData(2, 64, 41, 53, 1, 0)]
    [InlineData(1, 32, 64, 64, 0.1, 30)]
    public void Equals_libtorchs_two_operations_there_and_back(
        int pictures, int channels, int height, int width, double scale, double offset)
    {
        random.manual_seed(5);
        var features = Pixels.ChannelsLast(randn(pictures, channels, height, width) * scale + offset).requires_grad_();
        var same = features.detach().clone().requires_grad_();
        var outer = randn(pictures, channels, height, width);

        var result = NormActivation.Apply(features, Slope, Epsilon);
        result.backward([outer]);
        // In float64, so that only one side rounds.
        var exact = nn.functional.leaky_relu(nn.functional.instance_norm(same.to(ScalarType.Float64), eps: Epsilon), Slope);
        exact.backward([outer.to(ScalarType.Float64)]);

        // A mean of 300 deviations costs float32 as many of its roundings of 6e-8.
        var tolerance = 3e-6 + 6e-8 * 4 * Math.Abs(offset) / scale;
        Distance(result, exact).ShouldBeLessThan(tolerance);
        Distance(features.grad!, same.grad!).ShouldBeLessThan(tolerance * Math.Max(1, same.grad!.abs().max().item<float>()));
    }

    [Fact]
    public void Is_the_same_with_and_without_a_gradient()
    {
        random.manual_seed(6);
        var features = Pixels.ChannelsLast(randn(1, 16, 19, 23)).requires_grad_();
        var result = NormActivation.Apply(features, Slope, Epsilon);
        using var quiet = no_grad();

        var plain = NormActivation.Apply(features, Slope, Epsilon);

        plain.requires_grad.ShouldBeFalse();
        plain.equal(result).all().item<bool>().ShouldBeTrue();
    }

    [Fact]
    public void A_channel_of_one_value_is_0_and_one_that_is_no_number_stays_so()
    {
        var features = Pixels.ChannelsLast(full([1, 16, 4, 9], 0.25f));
        features[0, 1, 2, 3] = float.NaN;

        var result = NormActivation.Apply(features, Slope, Epsilon);

        result[0, 0].abs().max().item<float>().ShouldBe(0);
        result[0, 1].isnan().all().item<bool>().ShouldBeTrue();
    }

    private static double Distance(Tensor a, Tensor b) => (a - b).abs().max().to(ScalarType.Float64).item<double>();
}
