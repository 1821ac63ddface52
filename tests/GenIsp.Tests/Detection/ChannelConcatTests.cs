using CsCheck;
using GenIsp.Detection;
using GenIsp.Isp;
using static TorchSharp.torch;

namespace GenIsp.Tests.Detection;

public sealed class ChannelConcatTests
{
    [Fact]
    public void There_and_back_it_is_libtorchs_to_the_bit() => Gen.Select(
            Gen.Int[1, 2], Gen.Int[1, 90].Array[1, 4], Gen.Int[1, 40], Gen.Int[1, 60])
        .Sample(
            (pictures, channels, height, width) =>
            {
                using var scope = NewDisposeScope();
                Tensor[] images = [.. channels.Select(count => Pixels.ChannelsLast(randn(pictures, count, height, width)).requires_grad_())];
                Tensor[] same = [.. images.Select(image => image.detach().clone().requires_grad_())];
                var outer = randn(pictures, channels.Sum(), height, width);

                ChannelConcat.Takes(images).ShouldBeTrue();
                var result = ChannelConcat.Apply(images);
                result.backward([outer]);
                var right = cat(same, 1);
                right.backward([outer]);

                result.equal(right).all().item<bool>().ShouldBeTrue();
                foreach (var (mine, reference) in images.Zip(same))
                    mine.grad!.equal(reference.grad!).all().item<bool>().ShouldBeTrue();
                using (no_grad())
                    ChannelConcat.Apply(images).equal(right).all().item<bool>().ShouldBeTrue();
            },
            iter: 30, threads: 1);

    [Fact]
    public void An_image_that_needs_no_gradient_gets_none()
    {
        using var scope = NewDisposeScope();
        var (still, learned) = (Pixels.ChannelsLast(rand(1, 3, 4, 5)), Pixels.ChannelsLast(rand(1, 2, 4, 5)).requires_grad_());

        ChannelConcat.Apply([still, learned]).sum().backward();

        still.grad.ShouldBeNull();
        learned.grad!.equal(ones_like(learned)).all().item<bool>().ShouldBeTrue();
    }

    [Fact]
    public void Others_are_left_to_libtorch()
    {
        using var scope = NewDisposeScope();
        var image = Pixels.ChannelsLast(rand(1, 3, 4, 5));

        ChannelConcat.Takes([image, rand(1, 3, 4, 5)]).ShouldBeFalse("planes");
        ChannelConcat.Takes([image, Pixels.ChannelsLast(rand(1, 3, 4, 6))]).ShouldBeFalse("another size");
        ChannelConcat.Takes([image, image.@double()]).ShouldBeFalse("another dtype");
        ChannelConcat.Takes([rand(4, 5), rand(4, 5)]).ShouldBeFalse("no images");
    }
}
