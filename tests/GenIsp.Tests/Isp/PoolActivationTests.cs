using GenIsp.Isp;
using TorchSharp;
using static TorchSharp.torch;

namespace GenIsp.Tests.Isp;

public sealed class PoolActivationTests : IDisposable
{
    private const double Slope = 0.01;

    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    // The paper's pools, the Delft reproduction's, and a rest at the right and the bottom.
    [Theory]
    [InlineData(2, 16, 16)]
    [InlineData(4, 8, 12)]
    [InlineData(3, 20, 11)]
    [InlineData(1, 3, 5)]
    [InlineData(15, 15, 31)]
    public void Equals_libtorchs_two_operations_to_the_bit_there_and_back(int pool, int height, int width)
    {
        random.manual_seed(7);
        // Whole numbers: windows have several largest values, and the first one is taken.
        var features = Pixels.ChannelsLast(randint(-3, 4, [2, 16, height, width], dtype: ScalarType.Float32)).requires_grad_();
        var same = features.detach().clone().requires_grad_();
        var outer = randn(2, 16, height / pool, width / pool);

        var result = PoolActivation.Apply(features, pool, Slope);
        result.backward([outer]);
        var reference = nn.functional.max_pool2d(nn.functional.leaky_relu(same, Slope), [pool, pool]);
        reference.backward([outer]);

        result.equal(reference).all().item<bool>().ShouldBeTrue();
        features.grad!.equal(same.grad!).all().item<bool>().ShouldBeTrue();
    }

    [Fact]
    public void What_is_no_number_stays_so()
    {
        var features = ones([1, 16, 2, 4]);
        features[0, 5, 1, 0] = float.NaN;

        var result = PoolActivation.Apply(Pixels.ChannelsLast(features), 2, Slope);

        result[0, 5].flatten().isnan().Numbers<bool>().ShouldBe([true, false]);
        result.isnan().sum().item<long>().ShouldBe(1);
    }
}
