using GenIsp.Distributed;

namespace GenIsp.Tests.Distributed;

public sealed class OpenMpiTests
{
    [Fact]
    public void Where_it_is_missing_that_is_said() =>
        Should.Throw<GenIspException>(() => new OpenMpi(["libnone.so.1"])).Message
            .ShouldStartWith("Open MPI, by which several processes work together, is not installed. Install it: ");

    [Fact]
    public void Another_library_is_refused() =>
        Should.Throw<GenIspException>(() => new OpenMpi(["libnone.so.1", "libc.so.6"])).Message.ShouldStartWith(
            "The MPI on this machine (libc.so.6) is of an unknown kind, but several processes work together by Open MPI only. Install ");

    [Fact]
    public void Alone_a_process_needs_none()
    {
        using var world = Communicator.Join();
        float[] values = [1, 2];
        world.Sum(values);
        world.Broadcast(values);

        (world.Rank, world.Size, world.IsFirst).ShouldBe((0, 1, true));
        values.ShouldBe([1, 2]);
        world.Share([1, 2, 3]).ShouldBe([1, 2, 3]);
        world.Merge(["a", "b"]).ShouldBe(["a", "b"]);
        world.Gather(5).ShouldBe([5]);
        world.FirstOf("x").ShouldBe("x");
        (world.Any(true), world.Any(false)).ShouldBe((true, false));
    }
}
