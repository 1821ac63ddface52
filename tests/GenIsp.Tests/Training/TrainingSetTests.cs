using GenIsp.Color;
using GenIsp.Data;
using GenIsp.Detection;
using GenIsp.Training;

namespace GenIsp.Tests.Training;

public sealed class TrainingSetTests : IDisposable
{
    private static readonly NightSimulation Noiseless = new()
    {
        Night = new NightOptions { Darkness = new LogRange(1, 1), ShotNoise = new LogRange(1e-9, 1e-9), Illuminant = false },
    };

    private readonly TinyPhotos _photos = new();
    private readonly BrightDetector _detector = new();

    public void Dispose()
    {
        _photos.Dispose();
        _detector.Dispose();
    }

    [Fact]
    public void Every_image_comes_once_an_epoch_in_an_order_that_seed_and_epoch_determine()
    {
        var set = Set(["a", "b", "c", "d", "e", "f", "g"]);
        string[][] Names(TrainingSet of, int epoch, int first = 0) =>
            [.. of.Batches(epoch, first).Select(batch => batch.Share.Select(sample => Path.GetFileNameWithoutExtension(sample.Name)).ToArray())];

        var epoch0 = Names(set, 0);
        epoch0.Select(batch => batch.Length).ShouldBe([3, 3, 1]);
        (set.Count, set.StepsPerEpoch).ShouldBe((7, 3));
        epoch0.SelectMany(names => names).Order().ShouldBe(["a", "b", "c", "d", "e", "f", "g"]);
        Names(set, 0).ShouldBe(epoch0);
        Names(Set(["a", "b", "c", "d", "e", "f", "g"]), 0).ShouldBe(epoch0);
        Names(set, 1).ShouldNotBe(epoch0);
        Names(Set(["a", "b", "c", "d", "e", "f", "g"], options => options with { Seed = 1 }), 0).ShouldNotBe(epoch0);
        for (var first = 1; first <= 3; first++)
            Names(set, 0, first).ShouldBe(epoch0.Skip(first));
    }

    [Fact]
    public void Only_what_the_detector_knows_and_what_is_no_crowd_is_learned_and_the_first_box_counts()
    {
        var dataset = Dataset(["a", "b", "c"],
            new CocoAnnotation(0, "a", 1, new CocoBox(1, 2, 8, 9), 72),
            new CocoAnnotation(1, "a", 3, new CocoBox(10, 2, 8, 9), 72),
            new CocoAnnotation(2, "a", 1, new CocoBox(1, 12, 8, 9), 72, IsCrowd: true),
            new CocoAnnotation(3, "a", 500, new CocoBox(10, 12, 8, 9), 72),
            new CocoAnnotation(4, "b", 500, new CocoBox(1, 2, 8, 9), 72),
            new CocoAnnotation(5, "c", 1, new CocoBox(1, 2, 8, 9), 72, IsCrowd: true));
        var set = new TrainingSet(Images(dataset), _detector, Options);

        set.Count.ShouldBe(1);
        var sample = set.Load(dataset.Images[0], 0);
        sample.Targets.Select(target => _detector.Categories[target.Class].Name).ShouldBe(["person", "car"]);
        sample.Targets[0].Box.Y1.ShouldBe(2, 1e-3);
    }

    [Fact]
    public void Boxes_lie_on_their_objects_also_mirrored_and_enlarged()
    {
        var dataset = Dataset(["a", "b"]);
        var set = new TrainingSet(Images(dataset, Noiseless, new SizeLimit(64, 64)), _detector, Options);
        var left = new HashSet<float>();
        foreach (var image in dataset.Images)
        {
            for (var epoch = 0; epoch < 6; epoch++)
            {
                var sample = set.Load(image, epoch);

                (sample.Image.Width, sample.Image.Height).ShouldBe((64, 48));
                var box = sample.Targets.ShouldHaveSingleItem().Box;
                ((double)box.Width, (double)box.Height).ShouldBe((28, 14));
                left.Add(box.X1);
                var luminance = sample.Image.Pixels.Span.Slice(64 * 48, 64 * 48).ToArray();
                bool IsInside(int i, float margin) => i % 64 + 0.5 > box.X1 - margin && i % 64 + 0.5 < box.X2 + margin
                    && i / 64 + 0.5 > box.Y1 - margin && i / 64 + 0.5 < box.Y2 + margin;
                // Bilinear enlarging blurs the edge by a pixel.
                luminance.Where((_, i) => IsInside(i, -1)).Min().ShouldBeGreaterThan(2 * luminance.Where((_, i) => !IsInside(i, 1)).Max());
            }
        }
        left.Count.ShouldBe(4, "each photo upright and mirrored");
    }

    [Fact]
    public void A_box_beyond_the_edge_is_cut_there_and_one_outside_is_left_out()
    {
        var dataset = Dataset(["a"],
            new CocoAnnotation(0, "a", 1, new CocoBox(-5, 20, 10, 30), 300),
            new CocoAnnotation(1, "a", 1, new CocoBox(40, 2, 5, 5), 25));
        var set = new TrainingSet(Images(dataset), _detector, Options with { FlipProbability = 0 });

        var target = set.Load(dataset.Images[0], 0).Targets.ShouldHaveSingleItem();

        target.Box.ShouldBe(new GenIsp.Geometry.Box(0, 20, 5, 24));
    }

    [Fact]
    public void Nights_are_new_in_each_epoch_and_the_same_in_each_run()
    {
        var dataset = Dataset(["a"]);
        float[] Pixels(int epoch, long seed = 0) =>
            new TrainingSet(Images(dataset), _detector, Options with { Seed = seed }).Load(dataset.Images[0], epoch).Image.Pixels.ToArray();

        Pixels(0).ShouldBe(Pixels(0));
        Pixels(1).ShouldNotBe(Pixels(0));
        Pixels(0, seed: 1).ShouldNotBe(Pixels(0));
    }

    [Fact]
    public void Of_a_simulated_night_the_photo_itself_is_imitated_mirrored_as_its_night()
    {
        var dataset = Dataset(["a"]);
        var set = new TrainingSet(Images(dataset), _detector, Options with { FlipProbability = 1 });

        var guide = set.Load(dataset.Images[0], 0, withGuide: true).Guide.ShouldNotBeNull();

        var photo = TinyPhotos.Photo("a").Pixels.Span;
        for (var row = 0; row < guide.Length; row += TinyPhotos.Width)
        {
            for (var x = 0; x < TinyPhotos.Width; x++)
                // Rounded to 8 bits in the file and to 14 in the mosaic.
                guide[row + x].ShouldBe(photo[row + TinyPhotos.Width - 1 - x], 0.01f);
        }
        set.Load(dataset.Images[0], 0).Guide.ShouldBeNull();
    }

    [Fact]
    public void Each_of_the_cameras_is_drawn()
    {
        var dataset = Dataset(["a"]);
        var images = Images(dataset, Noiseless with { Cameras = ["sony-rx100m7", "nikon-d750"] });

        // What is saturated in all channels has another colour in each.
        var colours = Enumerable.Range(0, 20).Select(seed => images.Read(dataset.Images[0], (ulong)seed).Linear.Saturated).Distinct();

        colours.Count().ShouldBe(2);
    }

    [Fact]
    public void A_data_set_of_which_nothing_can_be_learned_is_refused()
    {
        var dataset = Dataset(["a"], new CocoAnnotation(0, "a", 500, new CocoBox(1, 1, 5, 5), 25));

        var error = Should.Throw<GenIspException>(() => new TrainingSet(Images(dataset), _detector, Options));

        error.Message.ShouldBe(
            "Nothing in coco.json can be learned: of its 1 boxes, none is of a class that the detector knows, and no crowd. "
            + "Its classes: person, car, lantern.");
    }

    [Fact]
    public void Photos_need_a_simulation_and_RAW_files_none()
    {
        var dataset = Dataset(["a"]);
        _photos.WriteSplit("photos", "a");

        Should.Throw<GenIspException>(() => Read(null)).Message
            .ShouldBe($"{_photos["photos/a.png"]} is an ordinary photo: its camera has developed it already. Train on RAW files, or "
            + "simulate nights (--simulate).");
        File.Move(_photos["photos/a.png"], _photos["photos/a.dng"]);
        Should.Throw<GenIspException>(() => Read(Noiseless)).Message
            .ShouldBe($"{_photos["photos/a.dng"]} is a RAW file, and nights can be simulated of photos only. Leave out --simulate.");

        DatasetImage Read(NightSimulation? simulation) =>
            new DatasetImages(dataset, _photos["photos"], new LinearOptions(), simulation).Read(dataset.Images[0], 0);
    }

    [Fact]
    public void Missing_files_are_counted_and_some_are_named()
    {
        var dataset = Dataset(["a", "b", "c", "d", "e"]);
        _photos.WriteSplit("photos", "a");

        Should.Throw<GenIspException>(() => new DatasetImages(dataset, _photos["photos"], new LinearOptions(), Noiseless)).Message
            .ShouldBe(
                $"4 of the 5 images of coco.json have no file in {_photos["photos"]}: b.png, c.png, d.png, …. "
                + "Are these the right folders?");
        Should.Throw<GenIspException>(() => new DatasetImages(dataset, _photos["nowhere"], new LinearOptions(), Noiseless)).Message
            .ShouldContain("nowhere");
    }

    [Fact]
    public void A_simulation_needs_a_camera()
    {
        var dataset = Dataset(["a"]);

        Should.Throw<GenIspException>(() => Images(dataset, new NightSimulation { Cameras = [] })).Message.ShouldContain("has no camera");
        Should.Throw<GenIspException>(() => Images(dataset, new NightSimulation { Cameras = ["kodak"] })).Message.ShouldContain("kodak");
    }

    private static TrainingOptions Options => new() { BatchSize = 3 };

    private TrainingSet Set(string[] stems, Func<TrainingOptions, TrainingOptions>? change = null) =>
        new(Images(Dataset(stems)), _detector, (change ?? (options => options))(Options));

    private DatasetImages Images(CocoDataset dataset, NightSimulation? simulation = null, SizeLimit? size = null)
    {
        _photos.WriteSplit("photos", [.. dataset.Images.Select(image => image.Stem)]);
        return new DatasetImages(dataset, _photos["photos"], new LinearOptions { MaxSize = size }, simulation ?? new NightSimulation());
    }

    // Unless others are given, with the one box that each photo shows.
    private static CocoDataset Dataset(string[] stems, params CocoAnnotation[] boxes) => new(
        "coco.json",
        [.. stems.Select(stem => new CocoImage(stem, stem + ".png", (TinyPhotos.Width, TinyPhotos.Height)))],
        boxes.Length > 0 ? boxes : [.. stems.Select((stem, i) => new CocoAnnotation(i, stem, 1, TinyPhotos.BoxOf(stem), 98))],
        [new Category(1, "person"), new Category(3, "car"), new Category(500, "lantern")]);
}
