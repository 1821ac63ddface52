using GenIsp.Training;

namespace GenIsp.Tests.Training;

public sealed class PrefetchTests
{
    [Fact]
    public void Results_come_in_order_however_long_each_takes() =>
        Prefetch.InOrder(Enumerable.Range(0, 30), i =>
        {
            Thread.Sleep(i % 3);
            return i;
        }, ahead: 4).ShouldBe(Enumerable.Range(0, 30));

    [Fact]
    public void No_more_is_read_ahead_than_asked_for()
    {
        var begun = 0;
        using var results = Prefetch.InOrder(Enumerable.Range(0, 100), i => Interlocked.Increment(ref begun), ahead: 3).GetEnumerator();

        results.MoveNext().ShouldBeTrue();

        begun.ShouldBeLessThanOrEqualTo(4);
    }

    [Fact]
    public void What_fails_is_thrown_in_its_turn_as_it_is()
    {
        var results = Prefetch.InOrder(Enumerable.Range(0, 5), i => i == 2 ? throw new GenIspException("bad file") : i, ahead: 5);

        Should.Throw<GenIspException>(() => results.ToList()).Message.ShouldBe("bad file");
        results.Take(2).ShouldBe([0, 1]);
    }
}
