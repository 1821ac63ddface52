using GenIsp.Data;
using GenIsp.Detection;

namespace GenIsp.Tests.Data;

public sealed class CategoryMapTests
{
    [Fact]
    public void Names_come_before_ids()
    {
        var map = CategoryMap.Between([new Category(1, "car"), new Category(3, "Person")], CocoCategories.All);

        map.Matches.ShouldBe(
        [
            new CategoryMatch(new Category(1, "car"), new Category(3, "car"), true),
            new CategoryMatch(new Category(3, "Person"), new Category(1, "person"), true),
        ]);
        map.Unmapped.ShouldBeEmpty();
    }

    [Fact]
    public void An_unknown_name_maps_by_its_id_and_says_so() =>
        CategoryMap.Between([new Category(1, "pedestrian")], CocoCategories.All).Matches
            .ShouldBe([new CategoryMatch(new Category(1, "pedestrian"), new Category(1, "person"), false)]);

    [Fact]
    public void No_two_classes_map_to_one()
    {
        var map = CategoryMap.Between([new Category(1, "rider"), new Category(9, "person")], CocoCategories.All);

        map.Matches.ShouldBe([new CategoryMatch(new Category(9, "person"), new Category(1, "person"), true)]);
        map.Unmapped.ShouldBe([new Category(1, "rider")]);
    }

    [Fact]
    public void Names_that_differ_by_case_alone_share_no_class_of_the_detectors()
    {
        var map = CategoryMap.Between([new Category(1, "Car"), new Category(2, "car")], CocoCategories.All);

        map.Matches.ShouldBe([new CategoryMatch(new Category(1, "Car"), new Category(3, "car"), true)]);
        map.Unmapped.ShouldBe([new Category(2, "car")]);
    }

    [Fact]
    public void What_the_detector_does_not_know_is_returned()
    {
        var map = CategoryMap.Between([new Category(500, "lantern")], CocoCategories.All);

        map.Matches.ShouldBeEmpty();
        map.Unmapped.ShouldBe([new Category(500, "lantern")]);
    }
}
