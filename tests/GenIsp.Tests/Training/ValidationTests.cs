using GenIsp.Color;
using GenIsp.Data;
using GenIsp.Isp;
using GenIsp.Training;

namespace GenIsp.Tests.Training;

public sealed class ValidationTests : IDisposable
{
    private readonly TinyPhotos _photos = new();
    private readonly BrightDetector _detector = new();

    public void Dispose()
    {
        _photos.Dispose();
        _detector.Dispose();
    }

    [Fact]
    public void What_is_found_is_measured_in_the_frame_of_the_annotations()
    {
        using var isp = new LinearIsp();

        // At twice the photos' size, a bright rectangle's half value is at its very edge.
        var figures = Validation.Measure(Images(), isp, _detector, 0, CancellationToken.None);

        figures!.AP.ShouldBe(1, 1e-9);
        figures.AR100.ShouldBe(1, 1e-9);
    }

    [Fact]
    public void Its_nights_depend_on_the_seed_alone()
    {
        float[][] Pixels(long seed) => [.. Validation.Samples(Images(), seed, 2).Select(image => image.Linear.Pixels.ToArray())];

        Pixels(0).Length.ShouldBe(2);
        Pixels(0).ShouldBe(Pixels(0));
        Pixels(1).ShouldNotBe(Pixels(0));
    }

    [Fact]
    public void Is_cancelled_between_images()
    {
        using var isp = new LinearIsp();

        Should.Throw<OperationCanceledException>(() => Validation.Measure(Images(), isp, _detector, 0, new CancellationToken(true)));
    }

    private DatasetImages Images()
    {
        _photos.WriteSplit("val", "a", "b", "c");
        var night = new NightOptions { Darkness = new LogRange(1, 2), ShotNoise = new LogRange(1e-9, 1e-9), Illuminant = false };
        return new DatasetImages(
            CocoDataset.Read(_photos["val.json"]), _photos["val"], new LinearOptions { MaxSize = new SizeLimit(64, 64) },
            new NightSimulation { Night = night });
    }
}
