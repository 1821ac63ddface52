using GenIsp.Geometry;
using GenIsp.Imaging;
using SkiaSharp;

namespace GenIsp.Tests.Imaging;

public sealed class PictureFileTests
{
    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;

    [Fact]
    public void A_PNG_keeps_its_pixels_and_clamps_what_lies_outside()
    {
        var image = new RgbImage([0, 1, 0.5f, -3, 7, float.NaN, 0.2f, 0.4f, 0.6f, 0.8f, 1, 0], new Frame(2, 2));
        var path = Path.Combine(_folder, "a.png");

        PictureFile.WritePng(path, image);
        var read = PictureFile.Read(path);

        float[] expected = [0, 1, 128 / 255f, 0, 1, 0, 51 / 255f, 102 / 255f, 153 / 255f, 204 / 255f, 1, 0];
        read.Pixels.ToArray().ShouldBe(expected);
        read.Frame.ShouldBe(new Frame(2, 2));
    }

    [Theory]
    [InlineData(Orientation.Upright)]
    [InlineData(Orientation.MirrorHorizontal)]
    [InlineData(Orientation.Rotate180)]
    [InlineData(Orientation.MirrorVertical)]
    [InlineData(Orientation.Transpose)]
    [InlineData(Orientation.Rotate90)]
    [InlineData(Orientation.Transverse)]
    [InlineData(Orientation.Rotate270)]
    public void A_photo_is_turned_upright_as_EXIF_says(Orientation orientation)
    {
        // The red corner is at the top left of the upright picture; Frame says where that is in the stored one.
        var upright = orientation.SwapsSides() ? new Frame(32, 48) : new Frame(48, 32);
        var corner = upright.Orient(orientation.Inverse()).FromSource(new Box(0, 0, 8, 8));
        using var bitmap = new SKBitmap(48, 32);
        bitmap.Erase(SKColors.Blue);
        using (var canvas = new SKCanvas(bitmap))
        using (var red = new SKPaint { Color = SKColors.Red })
            canvas.DrawRect(corner.X1, corner.Y1, 8, 8, red);
        using var jpeg = bitmap.Encode(SKEncodedImageFormat.Jpeg, 95);
        var path = Path.Combine(_folder, "turned.jpg");
        File.WriteAllBytes(path, WithOrientation(jpeg.ToArray(), orientation));

        var image = PictureFile.Read(path);

        (image.Width, image.Height).ShouldBe((upright.Width, upright.Height));
        image.Pixels.Span[3 * image.Width + 3].ShouldBeGreaterThan(0.8f);
        image.Pixels.Span[(image.Height - 4) * image.Width + image.Width - 4].ShouldBeLessThan(0.2f);
    }

    [Fact]
    public void NumPy_gets_the_values_as_they_are()
    {
        float[] values = [-1, 2, 3, 4.5f, 5, 6];
        var path = Path.Combine(_folder, "a.npy");

        PictureFile.WriteNpy(path, new RgbImage(values, new Frame(2, 1)));

        var bytes = File.ReadAllBytes(path);
        var header = System.Text.Encoding.Latin1.GetString(bytes, 0, 128);
        header.ShouldStartWith("\u0093NUMPY\u0001\0");
        header.ShouldContain("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 1, 2), }");
        var start = 10 + bytes[8] + 256 * bytes[9];
        (start % 64).ShouldBe(0);
        bytes[start - 1].ShouldBe((byte)'\n');
        System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(bytes.AsSpan(start)).ToArray().ShouldBe(values);
    }

    [Theory]
    [InlineData("")]
    [InlineData("<html>not found</html>")]
    public void What_is_no_picture_is_refused(string content)
    {
        var path = Path.Combine(_folder, "b.jpg");
        File.WriteAllText(path, content);

        Should.Throw<GenIspException>(() => PictureFile.Read(path)).Message.ShouldContain("b.jpg can't be read as a picture");
    }

    [Fact]
    public void A_picture_cut_short_is_refused()
    {
        var path = Path.Combine(_folder, "c.png");
        PictureFile.WritePng(path, new RgbImage(new float[3 * 100 * 100], new Frame(100, 100)));
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..60]);

        Should.Throw<GenIspException>(() => PictureFile.Read(path)).Message.ShouldContain("c.png");
    }

    [Fact]
    public void A_failed_write_leaves_nothing_behind()
    {
        var path = Path.Combine(_folder, "missing", "d.png");

        Should.Throw<GenIspException>(() => PictureFile.WritePng(path, new RgbImage(new float[3], new Frame(1, 1))))
            .Message.ShouldContain("d.png");
        Should.Throw<InvalidOperationException>(
            () => AtomicFile.Write(Path.Combine(_folder, "e"), _ => throw new InvalidOperationException()));
        Directory.EnumerateFileSystemEntries(_folder).ShouldBeEmpty();
    }

    [Fact]
    public void A_box_is_drawn_where_it_is_and_its_words_above_it()
    {
        var brightest = Drawn([new LabelledBox(new Box(20, 30, 80, 70), "car 0.83", 3)]);

        brightest(400, 240).ShouldBeGreaterThan(0.5f, "top edge");
        brightest(640, 400).ShouldBeGreaterThan(0.4f, "right edge");
        brightest(400, 400).ShouldBe(0, "inside");
        brightest(166, 230).ShouldBeGreaterThan(0.5f, "the label above");
        brightest(400, 100).ShouldBe(0, "far above");
    }

    [Fact]
    public void The_surer_of_two_labels_stands_above_its_box_and_the_other_in_its_own()
    {
        var box = new Box(20, 30, 80, 70);
        var brightest = Drawn([new LabelledBox(box, "dog 0.31", 1), new LabelledBox(box, "cat 0.83", 0)]);

        brightest(162, 238).ShouldBeGreaterThan(0.5f, "above");
        brightest(163, 250).ShouldBeGreaterThan(0.5f, "inside");
        brightest(163, 300).ShouldBe(0, "further inside");
    }

    // A black picture of 100×80, drawn eight times as large.
    private Func<int, int, float> Drawn(LabelledBox[] boxes)
    {
        var path = Path.Combine(_folder, "boxes.png");
        BoxPainter.WritePng(path, new RgbImage(new float[3 * 100 * 80], new Frame(100, 80)), boxes);
        var picture = PictureFile.Read(path);
        (picture.Width, picture.Height).ShouldBe((800, 640));
        var pixels = picture.Pixels.ToArray();
        return (x, y) => Enumerable.Range(0, 3).Max(channel => pixels[(channel * 640 + y) * 800 + x]);
    }

    // An APP1 segment with one EXIF tag, 0x0112, right after the start mark.
    private static byte[] WithOrientation(byte[] jpeg, Orientation orientation)
    {
        byte[] exif =
        [
            .. "Exif"u8, 0, 0, .. "II"u8, 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, (byte)orientation, 0, 0, 0, 0, 0, 0, 0,
        ];
        return [.. jpeg[..2], 0xff, 0xe1, 0, (byte)(exif.Length + 2), .. exif, .. jpeg[2..]];
    }
}
