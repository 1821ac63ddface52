using GenIsp.Geometry;
using GenIsp.Imaging;

namespace GenIsp.Tests.Imaging;

public sealed class ContactSheetTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Pictures_are_shrunk_into_their_cells_with_their_boxes()
    {
        var gray = new float[3 * 1200 * 400];
        Array.Fill(gray, 0.5f);
        var box = new LabelledBox(new Box(200, 100, 1000, 300), "", 0);
        var print = new ContactPrint(new RgbImage(gray, new Frame(1200, 400)), [box], "WIDE");

        ContactSheet.WritePng(_folder["sheet.png"], [print, print, print], 2);

        var sheet = PictureFile.Read(_folder["sheet.png"]);
        (sheet.Width, sheet.Height).ShouldBe((2 * 608 + 8, 2 * (400 + 22 + 8) + 8));
        // The picture is 600×200, 100 below the cell's top; its box (100, 50, 500, 150) is red.
        Pixel(sheet, 8 + 300, 8 + 100 + 100).ShouldBe((128, 128, 128));
        var (red, green, _) = Pixel(sheet, 8 + 100, 8 + 100 + 100);
        (red - green).ShouldBeGreaterThan(80);
        (red, green, _) = Pixel(sheet, 8 + 608 + 500, 8 + 100 + 100);
        (red - green).ShouldBeGreaterThan(80);
        Pixel(sheet, 8 + 300, 8 + 50).ShouldBe((32, 32, 32));
    }

    [Fact]
    public void Small_pictures_are_not_enlarged()
    {
        var white = new float[3 * 20 * 10];
        Array.Fill(white, 1);

        ContactSheet.WritePng(_folder["sheet.png"], [new ContactPrint(new RgbImage(white, new Frame(20, 10)), [], "A")], 4);

        var sheet = PictureFile.Read(_folder["sheet.png"]);
        sheet.Width.ShouldBe(600 + 16);
        Enumerable.Range(0, sheet.Width).Count(x => Pixel(sheet, x, 8 + 200) == (255, 255, 255)).ShouldBe(20);
    }

    private static (int, int, int) Pixel(RgbImage image, int x, int y)
    {
        int Channel(int c) => (int)MathF.Round(255 * image.Pixels.Span[(c * image.Height + y) * image.Width + x]);
        return (Channel(0), Channel(1), Channel(2));
    }
}
