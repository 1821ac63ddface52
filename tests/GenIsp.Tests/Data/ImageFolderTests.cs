using GenIsp.Data;

namespace GenIsp.Tests.Data;

public sealed class ImageFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Files_are_found_by_their_stem()
    {
        Make("DSC_1.NEF", "DSC_2.dng", "notes.txt");
        var folder = new ImageFolder(_folder.Root);

        folder.Find(new CocoImage("1", "raw/DSC_1.ARW", null)).ShouldBe(_folder["DSC_1.NEF"]);
        folder.Find(new CocoImage("DSC_2", null, null)).ShouldBe(_folder["DSC_2.dng"]);
        folder.Find(new CocoImage("DSC_3", null, null)).ShouldBeNull();
        folder.Find(new CocoImage("notes", null, null)).ShouldBeNull();
    }

    [Fact]
    public void A_RAW_file_comes_before_the_cameras_JPEG_unless_that_is_named()
    {
        Make("a.JPG", "a.nef");
        var folder = new ImageFolder(_folder.Root);

        folder.Find(new CocoImage("a", null, null)).ShouldBe(_folder["a.nef"]);
        folder.Find(new CocoImage("a", "a.JPG", null)).ShouldBe(_folder["a.JPG"]);
    }

    [Fact]
    public void A_mosaic_comes_before_a_photo()
    {
        Make("a.jpg", "a.png", "a.png.json");

        new ImageFolder(_folder.Root).Find(new CocoImage("a", null, null)).ShouldBe(_folder["a.png"]);
    }

    [Fact]
    public void Files_of_no_image_are_orphans()
    {
        Make("a.nef", "a.jpg", "b.nef");

        new ImageFolder(_folder.Root).Orphans([new CocoImage("a", null, null)]).ShouldBe([_folder["b.nef"]]);
    }

    [Fact]
    public void A_name_in_the_annotations_leads_nowhere_else()
    {
        Make("inside/a.nef", "outside.nef");

        new ImageFolder(_folder["inside"]).Find(new CocoImage("1", "../outside.nef", null)).ShouldBeNull();
    }

    [Fact]
    public void A_missing_folder_is_named() =>
        Should.Throw<GenIspException>(() => new ImageFolder(_folder["no"])).Message.ShouldContain("no does not exist");

    private void Make(params string[] names)
    {
        foreach (var name in names)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_folder[name])!);
            File.WriteAllText(_folder[name], "");
        }
    }
}
