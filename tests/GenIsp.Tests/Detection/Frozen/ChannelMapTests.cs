using GenIsp.Detection.Frozen;

namespace GenIsp.Tests.Detection.Frozen;

public sealed class ChannelMapTests
{
    [Fact]
    public void A_shuffle_goes_in_few_runs()
    {
        int[] order = [.. Enumerable.Range(0, 12).Select(i => i % 2 * 6 + i / 2)];

        new ChannelMap([6, 6], [order[..6], order[6..]]).Runs.Length.ShouldBe(4);
        new ChannelMap([5, 7], [[.. Enumerable.Range(0, 12)]]).Runs.Length.ShouldBe(2);
    }

    [Fact]
    public void Each_channel_goes_to_one_place()
    {
        Should.Throw<ArgumentException>(() => new ChannelMap([2], [[0, 0]]));
        Should.Throw<ArgumentException>(() => new ChannelMap([2], [[0]]));
    }
}
