using GenIsp.Color;
using GenIsp.Data;
using GenIsp.Geometry;
using GenIsp.Raw;

namespace GenIsp.Tests.Data;

public sealed class ImageCacheTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_is_kept_is_found_by_its_key_alone()
    {
        var cache = Cache();
        cache.Find("a").ShouldBeNull();

        cache.Keep("a", Image(1));

        Cache().Find("a").ShouldNotBeNull().Pixels.ShouldBe(StoredImage.Parse(Image(1)).Pixels);
        cache.Find("b").ShouldBeNull();
        (cache.Found, cache.Made).ShouldBe((0, 2));
        cache.TakeWarning().ShouldBeNull();
    }

    [Theory]
    [InlineData("empty")]
    [InlineData("cut short in its pixels")]
    [InlineData("cut short in its header")]
    [InlineData("longer")]
    [InlineData("of another version")]
    [InlineData("with another width")]
    [InlineData("full of zeros")]
    public void A_damaged_file_is_not_used_and_makes_room_for_a_new_one(string damage)
    {
        Cache().Keep("a", Image(1));
        Cache().Keep("b", Image(1));
        foreach (var file in Files())
            File.WriteAllBytes(file, Damaged(File.ReadAllBytes(file), damage));
        var cache = Cache();

        cache.Find("a").ShouldBeNull();
        cache.Find("b").ShouldBeNull();

        cache.TakeWarning().ShouldNotBeNull().ShouldContain(" can't be used, and its image is made again: ");
        cache.TakeWarning().ShouldBeNull("one warning is enough");
        Files().ShouldBeEmpty();
        cache.Keep("a", Image(1));
        cache.Find("a").ShouldNotBeNull();
    }

    [Fact]
    public void What_was_used_least_recently_goes_first()
    {
        var cache = Cache(size: 3 * Image(1).Length);
        foreach (var (key, days) in new[] { ("oldest", 9), ("used", 8), ("old", 7) })
        {
            cache.Keep(key, Image(1));
            File.SetLastWriteTimeUtc(Files().MaxBy(File.GetLastWriteTimeUtc)!, DateTime.UtcNow.AddDays(-days));
        }
        cache.Find("used").ShouldNotBeNull();

        // A sixteenth of the size stays free, so two of four images go.
        cache.Keep("new", Image(1));

        Files().Count.ShouldBe(2);
        cache.Find("used").ShouldNotBeNull();
        cache.Find("new").ShouldNotBeNull();
        cache.TakeWarning().ShouldBeNull();
    }

    [Fact]
    public void It_never_exceeds_its_size_and_says_when_that_is_too_small()
    {
        var size = 5 * Image(1).Length;
        var cache = Cache(size);
        for (var i = 0; i < 20; i++)
        {
            cache.Keep($"{i}", Image(i));
            Files().Sum(file => new FileInfo(file).Length).ShouldBeLessThanOrEqualTo(size);
        }

        cache.TakeWarning().ShouldNotBeNull().ShouldContain("is too small");
        cache.TakeWarning().ShouldBeNull("one warning is enough");
        Cache(size: 10).Keep("larger than all", Image(1));
        Files().Count.ShouldBeGreaterThan(2);
    }

    [Fact]
    public void What_a_killed_process_left_half_written_is_cleared_away()
    {
        Directory.CreateDirectory(_folder["cache"]);
        var (old, young) = (_folder["cache/1.image.0.part"], _folder["cache/2.image.0.part"]);
        File.WriteAllText(old, "half");
        File.SetLastWriteTimeUtc(old, DateTime.UtcNow.AddHours(-2));
        File.WriteAllText(young, "half");

        Cache().Keep("a", Image(1));

        File.Exists(old).ShouldBeFalse();
        File.Exists(young).ShouldBeTrue("another process is at it");
    }

    [Fact]
    public void A_folder_that_cant_be_written_and_a_full_disk_end_nothing()
    {
        File.WriteAllText(_folder["file"], "");
        ImageCache[] caches =
        [
            new(_folder["file/cache"], 1_000_000),
            // More must stay free than any disk has.
            new(_folder["cache"], 1_000_000, long.MaxValue / 2),
        ];
        foreach (var cache in caches)
        {
            cache.Keep("a", Image(1));
            cache.Keep("b", Image(2));

            cache.Find("a").ShouldBeNull();
            cache.TakeWarning().ShouldNotBeNull().ShouldStartWith("no more images are kept for the next time: ");
            cache.TakeWarning().ShouldBeNull("one warning is enough");
        }
        Files().ShouldBeEmpty();
    }

    [Fact]
    public void On_a_full_disk_what_is_there_is_still_found()
    {
        Cache().Keep("a", Image(1));

        var full = new ImageCache(_folder["cache"], 1_000_000, long.MaxValue / 2);
        full.Keep("b", Image(2));

        full.Find("a").ShouldNotBeNull();
    }

    [Fact]
    public void Many_writers_and_readers_never_see_half_a_file()
    {
        var images = Enumerable.Range(0, 8).Select(Image).ToArray();
        // So small that files come and go.
        var caches = Enumerable.Range(0, 4).Select(_ => Cache(4 * images[0].Length)).ToArray();

        Parallel.For(0, 400, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
        {
            var (cache, key) = (caches[i % caches.Length], i * 7 % images.Length);
            if (cache.Find($"{key}") is { } found)
                found.Pixels.ShouldBe(StoredImage.Parse(images[key]).Pixels);
            else
                cache.Keep($"{key}", images[key]);
        });

        caches.Select(cache => cache.TakeWarning()).OfType<string>().ShouldAllBe(text => text.Contains("too small"));
        Directory.GetFiles(_folder["cache"]).ShouldAllBe(file => file.EndsWith(".image"));
    }

    private static byte[] Damaged(byte[] file, string damage)
    {
        switch (damage)
        {
            case "empty":
                return [];
            case "cut short in its pixels":
                return file[..^10];
            case "cut short in its header":
                return file[..50];
            case "longer":
                return [.. file, 0, 0];
            case "of another version":
                file[12]++;
                return file;
            case "with another width":
                file[48]++;
                return file;
            default:
                return new byte[file.Length];
        }
    }

    private static byte[] Image(int seed)
    {
        var random = new Random(seed);
        var pixels = Enumerable.Range(0, 3 * 40 * 30).Select(_ => random.NextSingle()).ToArray();
        return StoredImage.ToBytes(
            new SensorShape("x", 80, 60, Orientation.Upright),
            new LinearImage("x", pixels, new Frame(40, 30), CstDirection.Inverse, null, new Vector3(1, 1, 1)));
    }

    private ImageCache Cache(long size = 1_000_000) => new(_folder["cache"], size, leastFree: 0);

    private List<string> Files() => Directory.Exists(_folder["cache"]) ? [.. Directory.GetFiles(_folder["cache"], "*.image")] : [];
}
