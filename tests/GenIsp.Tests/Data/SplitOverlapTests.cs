using GenIsp.Data;

namespace GenIsp.Tests.Data;

public sealed class SplitOverlapTests
{
    [Fact]
    public void Shared_and_neighbouring_frames_are_found()
    {
        var overlap = SplitOverlap.Between(
            Images("DSC_0009", "DSC_0020"), Images("DSC_0020", "DSC_0010", "DSC_0021", "DSC_0019", "DSC_0030"));

        overlap.Shared.ShouldBe(["DSC_0020"]);
        overlap.Adjacent.ShouldBe(3);
    }

    [Fact]
    public void Other_cameras_and_names_without_numbers_are_no_neighbours() =>
        SplitOverlap.Between(Images("DSC_0009", "night"), Images("DSC00010", "night1", "evening")).Adjacent.ShouldBe(0);

    [Fact]
    public void COCOs_photos_are_numbered_in_no_order() =>
        SplitOverlap.Between(Images("000000000139", "000010"), Images("000000000138", "000000000140", "000011")).Adjacent.ShouldBe(1);

    [Fact]
    public void Numbers_beyond_all_measure_are_no_numbers() =>
        SplitOverlap.Between(Images("9223372036854775807"), Images("9223372036854775806", "99999999999999999999")).Adjacent.ShouldBe(0);

    private static IEnumerable<CocoImage> Images(params string[] stems) =>
        stems.Select((stem, i) => new CocoImage($"{i}", stem + ".nef", null));
}
