using GenIsp.Data;
using GenIsp.Detection;
using GenIsp.Evaluation;

namespace GenIsp.Tests.Evaluation;

public sealed class AutoThresholdTests
{
    private const int Images = 48;

    private static readonly CocoDataset Dataset = new(
        "coco.json", [.. Enumerable.Range(0, Images).Select(i => new CocoImage($"{i}", $"{i}.dng", (100, 100)))],
        [.. Enumerable.Range(0, Images).Select(i => new CocoAnnotation(i + 1, $"{i}", 1, Where(i), 400))], [new Category(1, "person")]);

    // Image i has i decibels. Each ISP shows the person on its side of 20, and something else on the other.
    [Fact]
    public void Is_where_one_ISP_begins_to_serve_better_than_the_other()
    {
        var (decibels, ap) = AutoThreshold.Find(Dataset, See(noisy: i => i < 20, bright: i => i >= 20));

        decibels.ShouldBe(20);
        ap.ShouldBe(1, 1e-9);
    }

    [Fact]
    public void One_ISP_that_is_always_the_better_serves_all()
    {
        AutoThreshold.Find(Dataset, See(noisy: _ => true, bright: _ => false)).Decibels.ShouldBeGreaterThan(Images - 1);
        AutoThreshold.Find(Dataset, See(noisy: _ => false, bright: _ => true)).Decibels.ShouldBe(0);
    }

    private static ImageSeenTwice[] See(Func<int, bool> noisy, Func<int, bool> bright) =>
        [.. Enumerable.Range(0, Images).Select(i => new ImageSeenTwice(i, Found(i, noisy(i)), Found(i, bright(i))))];

    private static CocoDetection[] Found(int image, bool isRight) =>
        [new($"{image}", 1, isRight ? Where(image) : new CocoBox(70, 70, 9, 9), 0.9f)];

    private static CocoBox Where(int image) => new(image % 30, 5, 20, 20);
}
