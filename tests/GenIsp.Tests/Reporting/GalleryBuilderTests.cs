using GenIsp.Data;
using GenIsp.Evaluation;
using GenIsp.Geometry;
using GenIsp.Imaging;
using GenIsp.Reporting;

namespace GenIsp.Tests.Reporting;

public sealed class GalleryBuilderTests
{
    private static readonly CocoBox Left = new(6, 4, 12, 20);

    [Fact]
    public void Shows_where_rivals_differ_most_and_as_many_at_random()
    {
        // The further on, the more they differ.
        var gallery = Gallery(images: 40, image => Found(image, 0.9 - int.Parse(image.Id) / 50.0));

        var differing = gallery.TakeWhile(image => image.Difference is not null).ToList();
        var random = gallery.Skip(differing.Count).ToList();
        (differing.Count, random.Count).ShouldBe((5, 5));
        random.ShouldAllBe(image => image.Difference == null);
        int Number(GalleryImage image) => int.Parse(Path.GetFileNameWithoutExtension(image.Name));
        var chosen = random.Select(Number).ToList();
        differing.Select(Number).ShouldBe(Enumerable.Range(1, 40).Reverse().Except(chosen).Take(5));
        chosen.ShouldBe(chosen.Order());
        differing[0].Difference!.Value.ShouldBe(Number(differing[0]) / 50.0, 1e-6);
        Gallery(40, image => Found(image, 0.5)).Where(image => image.Difference is null).Select(Number).ShouldBe(chosen, "chance is fixed");
    }

    [Fact]
    public void Where_none_differs_only_chance_chooses()
    {
        var gallery = Gallery(images: 40, image => Found(image, 0.9));

        gallery.Count.ShouldBe(5);
        gallery.ShouldAllBe(image => image.Difference == null);
    }

    [Fact]
    public void What_is_not_the_object_makes_no_difference()
    {
        CocoDetection[] Elsewhere(CocoImage image) => [Found(image, 0.9)[0], new(image.Id, 1, new CocoBox(20, 30, 8, 8), 0.8)];

        Gallery(images: 40, Elsewhere).ShouldAllBe(image => image.Difference == null);
    }

    [Fact]
    public void Many_ISPs_have_few_images_and_views_of_one_picture_share_it()
    {
        var dataset = SampleReport.Dataset(images: 20);
        string[] detectors = [.. Enumerable.Repeat("eye", 15)];
        var builder = new GalleryBuilder(dataset, detectors, pictures: 15);
        var picture = SampleReport.Gray(0.5f);
        foreach (var image in dataset.Images)
        {
            IReadOnlyList<CocoDetection> FoundBy(int i) => Found(image, i / 15.0);
            builder.Offer(image, SampleReport.FrameOf(image), [.. Enumerable.Range(0, 15).Select(i => (picture, FoundBy(i)))]);
        }

        var gallery = builder.Build();

        gallery.Count.ShouldBe(2);
        gallery.ShouldAllBe(image => image.Views.Select(view => view.Picture).Distinct().Count() == 1);
    }

    [Fact]
    public void Rivals_with_different_detectors_are_not_compared()
    {
        var dataset = SampleReport.Dataset(images: 40);
        var builder = new GalleryBuilder(dataset, ["eye", "other"], pictures: 1);
        foreach (var image in dataset.Images)
            builder.Offer(image, SampleReport.FrameOf(image), [(SampleReport.Gray(0), Found(image, 0.9)), (SampleReport.Gray(0), [])]);

        builder.Build().Count.ShouldBe(10, "one ISP has nothing to differ from, so chance chooses all");
        builder.Build().ShouldAllBe(image => image.Difference == null);
    }

    [Fact]
    public void Large_pictures_are_shrunk_and_boxes_are_shares_of_them()
    {
        var image = new CocoImage("1", "1.png", (300, 200));
        var dataset = new CocoDataset(
            "one", [image], [new CocoAnnotation(1, "1", 1, new CocoBox(30, 50, 60, 100), 6000)], [new(1, "person"), new(2, "car")]);
        var builder = new GalleryBuilder(dataset, ["eye"], pictures: 1, classes: ["person"]);
        var large = new RgbImage(new float[3 * 3000 * 2000], new Frame(3000, 2000));
        CocoDetection[] found = [new("1", 1, new CocoBox(30, 50, 60, 100), 0.7), new("1", 1, Left, 0.01), new("1", 2, Left, 0.9)];

        builder.Offer(image, AnnotationFrame.In(large, "1", image), [(large, found)]);

        var view = builder.Build().ShouldHaveSingleItem().Views.ShouldHaveSingleItem();
        (view.Width, view.Height).ShouldBe((960, 640));
        var box = view.Found.ShouldHaveSingleItem("neither of the other class nor of next to no score");
        (box.Class, Math.Round(box.Score!.Value, 3)).ShouldBe(("person", 0.7));
        new[] { box.X, box.Y, box.Width, box.Height }.ShouldBe([0.1, 0.25, 0.2, 0.5], 1e-5);
    }

    private static CocoDetection[] Found(CocoImage image, double score) => [new(image.Id, 1, Left, score)];

    // Of one rival that is sure of the left person, and another.
    private static IReadOnlyList<GalleryImage> Gallery(int images, Func<CocoImage, CocoDetection[]> other)
    {
        var dataset = SampleReport.Dataset(images: images);
        var builder = new GalleryBuilder(dataset, ["eye", "eye"], pictures: 2);
        foreach (var image in dataset.Images)
        {
            builder.Offer(
                image, SampleReport.FrameOf(image), [(SampleReport.Gray(0), Found(image, 0.9)), (SampleReport.Gray(1), other(image))]);
        }
        return builder.Build();
    }
}
