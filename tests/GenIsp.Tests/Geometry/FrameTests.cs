using CsCheck;
using GenIsp.Geometry;

namespace GenIsp.Tests.Geometry;

public sealed class FrameTests
{
    private static readonly Gen<Orientation> Orientations = Gen.Int[1, 8].Select(value => (Orientation)value);

    [Fact]
    public void A_box_goes_there_and_back_through_any_chain_of_steps()
    {
        var step = Gen.OneOf<Func<Frame, Frame>>(
            Gen.Select(Gen.Int[-5, 5], Gen.Int[-5, 5], Gen.Int[1, 50], Gen.Int[1, 50])
                .Select(c => (Func<Frame, Frame>)(frame => frame.Crop(c.Item1, c.Item2, c.Item3, c.Item4))),
            Gen.Select(Gen.Int[1, 90], Gen.Int[1, 90]).Select(c => (Func<Frame, Frame>)(frame => frame.Resize(c.Item1, c.Item2))),
            Orientations.Select(o => (Func<Frame, Frame>)(frame => frame.Orient(o))));
        Gen.Select(step.Array[0, 5], Gen.Int[4, 40], Gen.Int[4, 40]).Sample((steps, width, height) =>
        {
            var frame = steps.Aggregate(new Frame(width, height), (current, next) => next(current));
            var box = new Box(1, 2, 3, 5);

            var there = frame.ToSource(box);
            var back = frame.FromSource(there);

            frame.SourceSize.ShouldBe((width, height));
            // Corners are float32; what they lose in the source, the way back magnifies.
            var unit = frame.FromSource(new Box(0, 0, 1, 1));
            var magnitude = new[] { there.X1, there.Y1, there.X2, there.Y2, 1 }.Max(Math.Abs);
            var tolerance = 1e-4 + 1e-6 * magnitude * Math.Max(unit.Width, unit.Height);
            back.X1.ShouldBe(box.X1, tolerance);
            back.Y1.ShouldBe(box.Y1, tolerance);
            back.X2.ShouldBe(box.X2, tolerance);
            back.Y2.ShouldBe(box.Y2, tolerance);
        });
    }

    [Fact]
    public void Turning_and_turning_back_changes_nothing() => Orientations.Sample(orientation =>
    {
        var frame = new Frame(7, 4);
        frame.Orient(orientation).Orient(orientation.Inverse()).ShouldBe(frame);
    });

    [Fact]
    public void Width_stays_width_and_height_stays_height()
    {
        // 2× wider, 4× higher: the swapped axes of a known reproduction would show.
        var frame = new Frame(200, 400).Resize(100, 100);

        frame.ToSource(new Box(10, 10, 20, 30)).ShouldBe(new Box(20, 40, 40, 120));
    }

    [Fact]
    public void A_clockwise_turn_brings_the_left_edge_to_the_top()
    {
        var frame = new Frame(10, 4).Orient(Orientation.Rotate90);

        (frame.Width, frame.Height).ShouldBe((4, 10));
        frame.ToSource(new Box(0, 0, 4, 1)).ShouldBe(new Box(0, 0, 1, 4));
    }
}
