using GenIsp.Detection;

namespace GenIsp.Tests.Detection;

public sealed class CocoCategoriesTests
{
    // Index of a detector with 80 outputs, id of the annotations, name: from COCO's own instances_val2017.json.
    [Theory]
    [InlineData(0, 1, "person")]
    [InlineData(2, 3, "car")]
    [InlineData(10, 11, "fire hydrant")]
    [InlineData(11, 13, "stop sign")]
    [InlineData(24, 27, "backpack")]
    [InlineData(39, 44, "bottle")]
    [InlineData(61, 70, "toilet")]
    [InlineData(79, 90, "toothbrush")]
    public void Index_and_id_of_a_class_belong_together(int index, int id, string name)
    {
        CocoCategories.All[index].ShouldBe(new Category(id, name));
        CocoCategories.ById(id).ShouldBe(new Category(id, name));
    }

    [Fact]
    public void There_are_80_classes_and_ten_gaps()
    {
        CocoCategories.All.Count.ShouldBe(80);
        Enumerable.Range(1, 90).Where(id => CocoCategories.ById(id) is null).ShouldBe([12, 26, 29, 30, 45, 66, 68, 69, 71, 83]);
        CocoCategories.ById(0).ShouldBeNull();
        CocoCategories.ById(91).ShouldBeNull();
    }

    [Fact]
    public void The_names_are_those_of_the_real_annotations()
    {
        using var file = System.Text.Json.JsonDocument.Parse(File.ReadAllBytes(SharedData.Path("coco/instances_val2017.json")));

        file.RootElement.GetProperty("categories").EnumerateArray()
            .Select(category => new Category(category.GetProperty("id").GetInt32(), category.GetProperty("name").GetString()!))
            .ShouldBe(CocoCategories.All);
    }
}
