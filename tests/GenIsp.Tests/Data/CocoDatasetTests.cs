using GenIsp.Data;
using GenIsp.Detection;

namespace GenIsp.Tests.Data;

public sealed class CocoDatasetTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("Sony/raw_new_Sony_RX100m7_train.json", 2571, 10069, 3287, 1626, 5472, 3648)]
    [InlineData("Sony/raw_new_Sony_RX100m7_val.json", 321, 1283, 403, 210, 5472, 3648)]
    [InlineData("Sony/raw_str_labeled_new_Sony_RX100m7_test.json", 321, 1232, 398, 197, 5472, 3648)]
    [InlineData("Nikon/raw_new_Nikon750_train.json", 3206, 15472, 4409, 2593, 3936, 2624)]
    [InlineData("Nikon/raw_new_Nikon750_val.json", 400, 1883, 536, 301, 3936, 2624)]
    [InlineData("Nikon/raw_new_Nikon750_test.json", 400, 1967, 566, 319, 3936, 2624)]
    public void Reads_every_file_of_RAW_NOD(string file, int images, int persons, int bicycles, int cars, int width, int height)
    {
        var dataset = CocoDataset.Read(SharedData.Path("rawnod/" + file));

        dataset.Images.Count.ShouldBe(images);
        dataset.Images.ShouldAllBe(image => image.Size!.Value.Width == width && image.Size.Value.Height == height);
        dataset.Images.ShouldAllBe(image => image.Stem.StartsWith("DSC"));
        int Boxes(int category) => dataset.Annotations.Concat(dataset.Degenerate).Count(box => box.CategoryId == category);
        (Boxes(1), Boxes(2), Boxes(3)).ShouldBe((persons, bicycles, cars));
        dataset.Images.Max(image => dataset.AnnotationsOf(image).Count()).ShouldBeLessThanOrEqualTo(53);
    }

    [Fact]
    public void RAW_NODs_degenerate_box_is_set_aside()
    {
        var dataset = CocoDataset.Read(SharedData.Path("rawnod/Nikon/raw_new_Nikon750_test.json"));

        var box = dataset.Degenerate.ShouldHaveSingleItem();
        (box.ImageId, box.Box).ShouldBe(("DSC_0674", new CocoBox(1764, 872, 2, 0)));
        dataset.Annotations.Count.ShouldBe(2851);
        dataset.Categories.Count.ShouldBe(80);
    }

    [Fact]
    public void RAW_NODs_flags_are_read()
    {
        var dataset = CocoDataset.Read(SharedData.Path("rawnod/Sony/raw_str_labeled_new_Sony_RX100m7_test.json"));

        dataset.Annotations.Count(box => box.IsExtreme == true).ShouldBe(815);
        dataset.Annotations.ShouldAllBe(box => box.IsExtreme != null);
    }

    [Fact]
    public void Reads_all_that_an_annotation_says()
    {
        var dataset = Read("""
            {"info": {"deep": [[1, {}]]},
             "annotations": [{"segmentation": [[1, 2]], "id": 7, "image_id": 5, "category_id": 3, "bbox": [1.5, 2, 3, 4.25],
                "area": 9.5, "iscrowd": 1, "ignore": true, "isextreme": false, "other": null}],
             "images": [{"id": 5, "file_name": "train/a.b.jpg", "width": 40, "height": 30, "license": 1}],
             "categories": [{"id": 3, "name": "car", "supercategory": "vehicle"}]}
            """);

        dataset.Annotations.ShouldBe([new CocoAnnotation(7, "5", 3, new CocoBox(1.5, 2, 3, 4.25), 9.5, true, true, false)]);
        dataset.Images.ShouldBe([new CocoImage("5", "train/a.b.jpg", (40, 30))]);
        dataset.Images[0].Stem.ShouldBe("a.b");
        dataset.Categories.ShouldBe([new Category(3, "car")]);
    }

    [Fact]
    public void What_may_be_missing_is_made_up()
    {
        var dataset = Read("""
            {"images": [{"id": "DSC_1"}], "categories": [{"id": 1, "name": "a"}],
             "annotations": [{"id": 1, "image_id": "DSC_1", "category_id": 1, "bbox": [0, 0, 4, 5]}]}
            """);

        dataset.Annotations[0].ShouldBe(new CocoAnnotation(1, "DSC_1", 1, new CocoBox(0, 0, 4, 5), 20));
        dataset.Images[0].ShouldBe(new CocoImage("DSC_1", null, null));
        dataset.Images[0].Stem.ShouldBe("DSC_1");
    }

    [Theory]
    [InlineData("10, 9, 100", "9 10 100")]
    [InlineData("\"10\", \"9\", \"100\"", "10 100 9")]
    public void Images_come_in_the_order_of_their_ids(string ids, string expected)
    {
        var images = string.Join(", ", ids.Split(", ").Select(id => $$"""{"id": {{id}}}"""));

        var dataset = Read($$"""{"images": [{{images}}], "annotations": [], "categories": [{"id": 1, "name": "a"}]}""");

        string.Join(" ", dataset.Images.Select(image => image.Id)).ShouldBe(expected);
    }

    [Fact]
    public void A_byte_order_mark_is_passed_over()
    {
        File.WriteAllText(_folder["bom.json"], Whole(), new System.Text.UTF8Encoding(true));

        CocoDataset.Read(_folder["bom.json"]).Images.Count.ShouldBe(2);
    }

    [Theory]
    [InlineData("not json", "not JSON")]
    [InlineData("", "not JSON")]
    [InlineData("""{"images": [{"id": 1}], """, "not JSON, or is cut short (line 1)")]
    [InlineData("""{"images": [NaN]}""", "not JSON")]
    [InlineData("[]", "must be an object")]
    [InlineData("{}", "lacks the key \"images\"")]
    [InlineData("""{"images": {}}""", "\"images\" must be a list, not an object")]
    [InlineData("""{"images": [7]}""", "images[0] is 7, but must be an object")]
    public void What_is_no_annotation_file_is_refused(string text, string message) => ErrorOf(text).ShouldContain(message);

    [Theory]
    [InlineData("\"id\": 11, ", "", "annotations[0] lacks the key \"id\"")]
    [InlineData("\"image_id\": \"b\", ", "", "annotations[1] lacks the key \"image_id\"")]
    [InlineData(", \"bbox\": [5, 6, 7, 8]", "", "annotations[0] lacks the key \"bbox\"")]
    [InlineData("\"height\": 30, ", "", "images[0] lacks the key \"height\"")]
    [InlineData("\"name\": \"car\"", "\"title\": \"car\"", "categories[0] lacks the key \"name\"")]
    [InlineData("[5, 6, 7, 8]", "[5, 6, 7]", "annotations[0].bbox is too short, but must be [x, y, width, height]")]
    [InlineData("[5, 6, 7, 8]", "[5, 6, 7, 8, 9]", "annotations[0].bbox is 9, but must be [x, y, width, height]")]
    [InlineData("[5, 6, 7, 8]", "[5, 6, \"7\", 8]", "annotations[0].bbox is \"7\", but must be a finite number")]
    [InlineData("[5, 6, 7, 8]", "[5, 6, 1e999, 8]", "annotations[0].bbox is 1e999, but must be a finite number")]
    [InlineData("\"width\": 40", "\"width\": -40", "images[0].width is -40, but must be at least 1")]
    [InlineData("\"width\": 40", "\"width\": 4000000000", "images[0].width is 4000000000, but must be a smaller number")]
    [InlineData("\"id\": \"a\"", "\"id\": null", "images[0].id is null, but must be a whole number")]
    [InlineData("\"id\": \"a\"", "\"id\": \"\\ud800\"", "images[0].id is \"\\ud800\", but must be a text in UTF-8")]
    [InlineData("\"id\": 11", "\"id\": 12", "the annotation id 12 occurs twice")]
    [InlineData("\"id\": \"b\"", "\"id\": \"a\"", "the image id a occurs twice")]
    [InlineData("\"id\": 2, \"name\"", "\"id\": 1, \"name\"", "the category id 1 occurs twice")]
    [InlineData("\"name\": \"person\"", "\"name\": \"car\"", "two categories have the name car")]
    [InlineData("\"image_id\": \"b\"", "\"image_id\": \"c\"", "annotation 12 is of the image c, which \"images\" lacks")]
    [InlineData("\"category_id\": 1", "\"category_id\": 9", "annotation 11 is of the category 9, which \"categories\" lacks")]
    public void A_mistake_is_named_with_its_place(string right, string wrong, string message)
    {
        Whole().ShouldContain(right);

        ErrorOf(Whole().Replace(right, wrong)).ShouldContain(message);
    }

    [Theory]
    [InlineData("""{"images": [], "annotations": [], "categories": [{"id": 1, "name": "a"}]}""", "holds no images")]
    [InlineData("""{"images": [{"id": 1}], "annotations": [], "categories": []}""", "holds no classes")]
    public void An_empty_set_is_refused(string text, string message) => ErrorOf(text).ShouldContain(message);

    [Fact]
    public void A_nesting_without_end_is_refused() => ErrorOf("{\"info\": " + new string('[', 100_000)).ShouldContain("not JSON");

    [Fact]
    public void A_missing_file_is_named() =>
        Should.Throw<GenIspException>(() => CocoDataset.Read(_folder["no.json"])).Message.ShouldContain("no.json does not exist");

    private static string Whole() => """
        {"images": [{"id": "a", "width": 40, "height": 30, "file_name": "a.nef"}, {"id": "b", "width": 40, "height": 20}],
         "annotations": [{"id": 11, "image_id": "a", "category_id": 1, "bbox": [5, 6, 7, 8]},
                         {"id": 12, "image_id": "b", "category_id": 2, "bbox": [1, 2, 3, 4]}],
         "categories": [{"id": 1, "name": "car"}, {"id": 2, "name": "person"}]}
        """;

    private CocoDataset Read(string text)
    {
        File.WriteAllText(_folder["coco.json"], text);
        return CocoDataset.Read(_folder["coco.json"]);
    }

    private string ErrorOf(string text) => Should.Throw<GenIspException>(() => Read(text)).Message;
}
