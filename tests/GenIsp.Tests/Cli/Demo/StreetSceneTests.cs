using GenIsp.Cli.Demo;
using SkiaSharp;

namespace GenIsp.Tests.Cli.Demo;

public sealed class StreetSceneTests
{
    [Fact]
    public void The_same_seed_draws_the_same_street_and_another_seed_another()
    {
        using var one = StreetScene.Draw(7);
        using var same = StreetScene.Draw(7);
        using var other = StreetScene.Draw(8);

        same.ToPixels().ShouldBe(one.ToPixels());
        same.Objects.ShouldBe(one.Objects);
        other.ToPixels().SequenceEqual(one.ToPixels()).ShouldBeFalse();
        other.Objects.ShouldNotBe(one.Objects);
    }

    [Fact]
    public void Pixels_are_planes_of_red_green_and_blue()
    {
        using var scene = StreetScene.Draw(3);
        const int Plane = StreetScene.Width * StreetScene.Height;
        var pixels = scene.ToPixels();

        foreach (var (x, y) in ((int, int)[])[(0, 0), (200, 10), (17, 150), (319, 223)])
        {
            var (color, i) = (scene.Picture.GetPixel(x, y), y * StreetScene.Width + x);
            (pixels[i], pixels[Plane + i], pixels[2 * Plane + i]).ShouldBe((color.Red / 255f, color.Green / 255f, color.Blue / 255f));
        }
    }

    [Fact]
    public void Streets_hold_all_classes_in_boxes_inside_the_picture()
    {
        var objects = Streets(40).SelectMany(scene => scene.Objects).ToList();

        objects.Select(thing => thing.Class).Distinct().Order().ShouldBe([0, 1, 2]);
        objects.Count.ShouldBeGreaterThan(4 * 40);
        objects.ShouldAllBe(thing => thing.Box == thing.Box.ClipTo(StreetScene.Width, StreetScene.Height)
            && thing.Box.Width > 0 && thing.Box.Height > 0);
        // Where the picture's edge cuts nothing off.
        var whole = objects.Where(thing => thing.Box.X1 > 0 && thing.Box.X2 < StreetScene.Width
            && thing.Box.Y1 > 0 && thing.Box.Y2 < StreetScene.Height).ToList();
        whole.Where(thing => thing.Class == 0).ShouldAllBe(thing => thing.Box.Height > thing.Box.Width, "people stand");
        whole.Where(thing => thing.Class == 1).ShouldAllBe(thing => thing.Box.Height < thing.Box.Width, "bicycles are longer than tall");
    }

    [Fact]
    public void Wheels_are_at_the_foot_of_the_boxes_and_not_below()
    {
        var (inside, below, count) = (0, 0, 0);
        foreach (var scene in Streets(100))
        {
            // Nearer things, which come later, may hide wheels.
            foreach (var (i, (_, box)) in scene.Objects.Index().Where(thing =>
                thing.Item is { Class: 1 or 2, Box: { Height: > 40, Y2: < StreetScene.Height - 4 } }))
            {
                var foot = box with { Y1 = box.Y2 - 3 };
                if (scene.Objects.Skip(i + 1).Any(nearer => nearer.Box.IoU(foot) > 0))
                    continue;
                count++;
                inside += HasRubber(scene.Picture, box.X1, box.X2, box.Y2 - 3) ? 1 : 0;
                below += HasRubber(scene.Picture, box.X1, box.X2, box.Y2 + 1) ? 1 : 0;
            }
        }

        count.ShouldBeGreaterThan(20);
        // Lamps and trees, which have no boxes, hide some; and what is dark below is a shadow.
        inside.ShouldBeGreaterThan(count * 2 / 3);
        below.ShouldBeLessThan(inside / 3);
    }

    private static IEnumerable<StreetScene> Streets(int count)
    {
        for (var seed = 0ul; seed < (ulong)count; seed++)
        {
            using var scene = StreetScene.Draw(seed);
            yield return scene;
        }
    }

    // Something nearly black in three rows.
    private static bool HasRubber(SKBitmap picture, float from, float to, float top) =>
        Enumerable.Range((int)top, 3).Any(y => Enumerable.Range((int)from, (int)(to - from)).Any(x =>
            picture.GetPixel(x, y) is { Red: < 36, Green: < 36, Blue: < 38 }));
}
