using GenIsp.Detection.RetinaNet;
using static TorchSharp.torch;

namespace GenIsp.Tests.Detection;

public sealed class RetinaNetTransformTests
{
    [Fact]
    public void Sizes_are_torchvisions_to_the_pixel()
    {
        foreach (var row in RetinaNetReference.Instance.ResizedSizes)
            RetinaNetTransform.ResizedSize(row[0], row[1], row[2], row[3]).ShouldBe((row[4], row[5]), $"{row[0]}×{row[1]}");
    }

    [Fact]
    public void A_batch_is_padded_to_multiples_of_32_with_zeros()
    {
        using var scope = NewDisposeScope();

        var batch = RetinaNetTransform.Apply([ones(3, 64, 96), ones(3, 100, 64)], 64, 128);

        batch.Sizes.ShouldBe([(64, 96), (100, 64)]);
        batch.Images.shape.ShouldBe([2, 3, 128, 96]);
        batch.Images[0, .., 64..].count_nonzero().item<long>().ShouldBe(0);
        batch.Images[1, .., 100..].count_nonzero().item<long>().ShouldBe(0);
        batch.Images[1, .., .., 64..].count_nonzero().item<long>().ShouldBe(0);
    }

    [Fact]
    public void An_image_of_the_preferred_size_is_only_normalised()
    {
        using var scope = NewDisposeScope();
        var image = PseudoWeights.Image("image", 64, 96);

        var batch = RetinaNetTransform.Apply([image], 64, 96);

        var expected = (image[1] - 0.456f) / 0.224f;
        (batch.Images[0, 1] - expected).abs().max().item<float>().ShouldBeLessThan(1e-6f);
    }

    [Fact]
    public void An_image_of_another_type_or_shape_is_refused()
    {
        using var scope = NewDisposeScope();

        Should.Throw<ArgumentException>(() => RetinaNetTransform.Apply([zeros(1, 3, 8, 8)], 64, 96)).Message.ShouldContain("[1, 3, 8, 8]");
        Should.Throw<ArgumentException>(() => RetinaNetTransform.Apply([zeros([3, 8, 8], dtype: ScalarType.Float64)], 64, 96));
        Should.Throw<ArgumentException>(() => RetinaNetTransform.Apply([], 64, 96));
    }

    [Theory]
    [InlineData(1, 5000)]
    [InlineData(0, 8)]
    public void An_image_of_which_nothing_would_be_left_is_refused(int height, int width)
    {
        using var image = zeros(3, height, width);

        Should.Throw<GenIspException>(() => RetinaNetTransform.Apply([image], 800, 1333)).Message.ShouldContain($"{width}×{height}");
    }
}
