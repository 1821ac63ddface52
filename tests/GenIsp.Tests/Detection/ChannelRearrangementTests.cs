using CsCheck;
using GenIsp.Detection;
using GenIsp.Isp;
using static TorchSharp.torch;

namespace GenIsp.Tests.Detection;

public sealed class ChannelRearrangementTests
{
    [Fact]
    public void Side_by_side_there_and_back_it_is_libtorchs_to_the_bit() => Gen.Select(
            Gen.Int[1, 2], Gen.Int[1, 90].Array[1, 4], Gen.Int[1, 40], Gen.Int[1, 60])
        .Sample(
            (pictures, channels, height, width) =>
            {
                using var scope = NewDisposeScope();
                Tensor[] images = [.. channels.Select(count => Pixels.ChannelsLast(randn(pictures, count, height, width)).requires_grad_())];
                Tensor[] same = [.. images.Select(image => image.detach().clone().requires_grad_())];
                var outer = randn(pictures, channels.Sum(), height, width);

                ChannelRearrangement.Takes(images).ShouldBeTrue();
                var result = ChannelRearrangement.Apply(images, ChannelMap.Concatenation(channels))[0];
                result.backward([outer]);
                var right = cat(same, 1);
                right.backward([outer]);

                result.equal(right).all().item<bool>().ShouldBeTrue();
                foreach (var (mine, reference) in images.Zip(same))
                    mine.grad!.equal(reference.grad!).all().item<bool>().ShouldBeTrue();
                using (no_grad())
                    ChannelRearrangement.Apply(images, ChannelMap.Concatenation(channels))[0].equal(right).all().item<bool>().ShouldBeTrue();
            },
            iter: 30, threads: 1);

    // Any order, in any number of results; ShuffleNet's is one of them.
    [Fact]
    public void In_another_order_and_apart_there_and_back_it_is_libtorchs_to_the_bit() => Gen.Select(
            Gen.Int[1, 40].Array[1, 3], Gen.Int[1, 3], Gen.Int[0, 1000], Gen.Int[1, 30], Gen.Int[1, 50])
        .Sample(
            (channels, parts, seed, height, width) =>
            {
                using var scope = NewDisposeScope();
                var order = Enumerable.Range(0, channels.Sum()).ToArray();
                new Random(seed).Shuffle(order);
                int[][] results = [.. order.Chunk((order.Length + parts - 1) / parts)];
                Tensor[] images = [.. channels.Select(count => Pixels.ChannelsLast(randn(2, count, height, width)).requires_grad_())];
                Tensor[] same = [.. images.Select(image => image.detach().clone().requires_grad_())];
                Tensor[] outer = [.. results.Select(result => randn(2, result.Length, height, width))];

                var made = ChannelRearrangement.Apply(images, new ChannelMap(channels, results));
                autograd.backward([.. made], outer);
                Tensor[] right = [.. results.Select(result => cat(same, 1).index_select(1, tensor(result, dtype: ScalarType.Int64)))];
                autograd.backward(right, outer);

                made.Zip(right).ShouldAllBe(pair => pair.First.equal(pair.Second).all().item<bool>());
                images.Zip(same).ShouldAllBe(pair => pair.First.grad!.equal(pair.Second.grad!).all().item<bool>());
            },
            iter: 30, threads: 1);

    [Fact]
    public void A_shuffle_goes_in_few_runs()
    {
        int[] order = [.. Enumerable.Range(0, 12).Select(i => i % 2 * 6 + i / 2)];

        new ChannelMap([6, 6], [order[..6], order[6..]]).Runs.Length.ShouldBe(4);
        ChannelMap.Concatenation([5, 7]).Runs.Length.ShouldBe(2);
        Should.Throw<ArgumentException>(() => new ChannelMap([2], [[0, 0]]));
        Should.Throw<ArgumentException>(() => new ChannelMap([2], [[0]]));
    }

    [Fact]
    public void A_part_that_nobody_uses_has_no_gradient()
    {
        using var scope = NewDisposeScope();
        var image = Pixels.ChannelsLast(rand(1, 4, 3, 3)).requires_grad_();

        ChannelRearrangement.Apply([image], new ChannelMap([4], [[0, 2], [1, 3]]))[0].sum().backward();

        image.grad!.sum([0, 2, 3]).Numbers<float>().ShouldBe([9, 0, 9, 0]);
    }

    [Fact]
    public void An_image_that_needs_no_gradient_gets_none()
    {
        using var scope = NewDisposeScope();
        var (still, learned) = (Pixels.ChannelsLast(rand(1, 3, 4, 5)), Pixels.ChannelsLast(rand(1, 2, 4, 5)).requires_grad_());

        ChannelRearrangement.Apply([still, learned], ChannelMap.Concatenation([3, 2]))[0].sum().backward();

        still.grad.ShouldBeNull();
        learned.grad!.equal(ones_like(learned)).all().item<bool>().ShouldBeTrue();
    }

    [Fact]
    public void Others_are_left_to_libtorch()
    {
        using var scope = NewDisposeScope();
        var image = Pixels.ChannelsLast(rand(1, 3, 4, 5));

        ChannelRearrangement.Takes([image, rand(1, 3, 4, 5)]).ShouldBeFalse("planes");
        ChannelRearrangement.Takes([image, Pixels.ChannelsLast(rand(1, 3, 4, 6))]).ShouldBeFalse("another size");
        ChannelRearrangement.Takes([image, image.@double()]).ShouldBeFalse("another dtype");
        ChannelRearrangement.Takes([rand(4, 5), rand(4, 5)]).ShouldBeFalse("no images");
    }
}
