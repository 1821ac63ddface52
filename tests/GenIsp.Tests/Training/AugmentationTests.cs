using CsCheck;
using GenIsp.Color;
using GenIsp.Geometry;
using GenIsp.Training;

namespace GenIsp.Tests.Training;

public sealed class AugmentationTests
{
    private static readonly TrainingOptions Off = new() { FlipProbability = 0, Brightness = 0, Contrast = 0 };

    [Fact]
    public void With_all_off_the_image_stays_to_the_bit()
    {
        var image = Image(7, 5, i => i * 0.013f - 0.1f);
        for (var seed = 0ul; seed < 20; seed++)
        {
            var same = Augmentation.Draw(Off, seed).Apply(image);

            same.Pixels.ToArray().ShouldBe(image.Pixels.ToArray());
            (same.Frame, same.White, same.Saturated, same.Cst, same.Source)
                .ShouldBe((image.Frame, image.White, image.Saturated, image.Cst, image.Source));
        }
    }

    [Fact]
    public void A_mirrored_images_boxes_lie_on_the_mirrored_pixels() => (
        from width in Gen.Int[1, 12]
        from height in Gen.Int[1, 9]
        from x in Gen.Int[0, width - 1]
        from y in Gen.Int[0, height - 1]
        select (width, height, x, y)).Sample(at =>
    {
        var plane = at.width * at.height;
        var marked = Image(at.width, at.height, i => i % plane == at.y * at.width + at.x ? 1 : 0);
        var source = new Box(2 * at.x, 2 * at.y, 2 * at.x + 2, 2 * at.y + 2);

        var mirrored = Augmentation.Draw(Off with { FlipProbability = 1 }, 3).Apply(marked);

        mirrored.Frame.FromSource(source).ShouldBe(new Box(at.width - 1 - at.x, at.y, at.width - at.x, at.y + 1));
        for (var channel = 0; channel < 3; channel++)
            mirrored.Pixels.Span.Slice(channel * plane, plane).IndexOf(1f).ShouldBe(at.y * at.width + at.width - 1 - at.x);
    }, iter: 200);

    [Fact]
    public void The_seed_determines_it()
    {
        var image = Image(6, 4, i => i * 0.01f);
        float[] Of(ulong seed) => Augmentation.Draw(new TrainingOptions(), seed).Apply(image).Pixels.ToArray();

        Of(4).ShouldBe(Of(4));
        Enumerable.Range(0, 20).Select(seed => Of((ulong)seed)[^1]).ShouldBeUnique();
    }

    [Fact]
    public void Half_of_the_images_are_mirrored()
    {
        var image = Image(2, 1, i => i % 2);

        var mirrored = Enumerable.Range(0, 1000).Count(seed =>
            Augmentation.Draw(Off with { FlipProbability = 0.5 }, (ulong)seed).Apply(image).Pixels.Span[0] == 1);

        mirrored.ShouldBeInRange(420, 580); // five standard deviations
    }

    [Fact]
    public void Brightness_is_a_factor_within_its_range_that_all_pixels_share()
    {
        var image = Image(5, 4, i => i - 8); // noise goes below 0
        var factors = Enumerable.Range(0, 200).Select(seed =>
        {
            var changed = Augmentation.Draw(Off with { Brightness = 0.2 }, (ulong)seed).Apply(image).Pixels.ToArray();
            var factor = changed[^1] / image.Pixels.Span[^1];
            for (var i = 0; i < changed.Length; i++)
                changed[i].ShouldBe(factor * image.Pixels.Span[i], 1e-5);
            return factor;
        }).ToList();

        factors.Min().ShouldBeInRange(0.8f, 0.82f);
        factors.Max().ShouldBeInRange(1.18f, 1.2f);
    }

    [Fact]
    public void Contrast_keeps_the_mean_of_Y_and_scales_what_differs_from_it()
    {
        var image = Image(6, 5, i => 0.3f + 0.01f * (i * 7 % 13));
        float[] luminance = [.. image.Pixels.Span.Slice(30, 30)];
        var mean = luminance.Average();
        var factors = Enumerable.Range(0, 200).Select(seed =>
        {
            var changed = Augmentation.Draw(Off with { Contrast = 0.2 }, (ulong)seed).Apply(image).Pixels;
            changed.Span.Slice(30, 30).ToArray().Average().ShouldBe(mean, 1e-6);
            var factor = (changed.Span[0] - mean) / (image.Pixels.Span[0] - mean);
            for (var i = 0; i < 90; i++)
                changed.Span[i].ShouldBe(mean + factor * (image.Pixels.Span[i] - mean), 1e-5);
            return factor;
        }).ToList();

        factors.Min().ShouldBeInRange(0.799f, 0.82f);
        factors.Max().ShouldBeInRange(1.18f, 1.201f);
    }

    // A picture of half the size of its source.
    private static LinearImage Image(int width, int height, Func<int, float> value) => new(
        "image", [.. Enumerable.Range(0, 3 * width * height).Select(value)], new Frame(2 * width, 2 * height).Resize(width, height),
        CstDirection.Inverse, new Vector3(0.9, 1, 1.1), new Vector3(1, 2, 3));
}
