using GenIsp.Weights;
using TorchSharp;

namespace GenIsp.Tests.Weights;

public sealed class TensorDataTests
{
    [Theory]
    [InlineData(new long[0], 4)]
    [InlineData(new long[] { 2, 3 }, 24)]
    [InlineData(new long[] { 0, long.MaxValue, long.MaxValue }, 0)]
    [InlineData(new[] { long.MaxValue, 0 }, 0)]
    public void A_shape_needs_as_many_bytes_as_its_elements(long[] shape, long bytes) =>
        TensorData.ByteCount(TensorType.Float32, shape).ShouldBe(bytes);

    [Theory]
    [InlineData(new long[] { -1, -4 })]
    [InlineData(new long[] { 0, -1 })]
    [InlineData(new[] { long.MaxValue })]
    [InlineData(new long[] { 1L << 32, 1L << 32, 1L << 32, 1L << 32 })]
    public void A_shape_that_can_not_be_has_no_byte_count_and_makes_no_tensor(long[] shape)
    {
        TensorData.ByteCount(TensorType.Float32, shape).ShouldBeNull();
        Should.Throw<ArgumentException>(() => new TensorData(TensorType.Float32, shape, new byte[4]));
    }

    [Fact]
    public void A_tensor_holds_exactly_the_bytes_of_its_shape() =>
        Should.Throw<ArgumentException>(() => new TensorData(TensorType.Int16, [2], new byte[5])).Message.ShouldContain("Int16 [2]");

    [Fact]
    public void Integers_are_read_exactly_and_floats_are_not_taken_for_them()
    {
        TensorData.FromInt64s([long.MaxValue, -1], 2).ToInt64s().ShouldBe([long.MaxValue, -1]);
        new TensorData(TensorType.Int8, [2], new byte[] { 0xff, 1 }).ToInt64s().ShouldBe([-1, 1]);
        new TensorData(TensorType.Bool, [2], new byte[] { 0xff, 0 }).ToInt64s().ShouldBe([1, 0]);
        Should.Throw<InvalidOperationException>(() => TensorData.FromSingles([1]).ToInt64s());
    }

    [Fact]
    public void A_tensor_for_libtorch_has_the_shape_and_the_values_in_float32()
    {
        using var floats = TensorData.FromSingles([1, 2, 3, 4, 5, 6], 2, 3).ToTorch();
        using var scalar = TensorData.FromInt64s([7]).ToTorch();
        using var empty = TensorData.FromSingles([], 0, 3).ToTorch();

        floats.shape.ShouldBe([2, 3]);
        floats[1, 0].item<float>().ShouldBe(4);
        scalar.shape.ShouldBeEmpty();
        scalar.dtype.ShouldBe(torch.ScalarType.Float32);
        scalar.item<float>().ShouldBe(7);
        empty.shape.ShouldBe([0, 3]);
    }
}
