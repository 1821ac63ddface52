using GenIsp.Color;
using GenIsp.Data;
using GenIsp.Geometry;
using GenIsp.Imaging;
using GenIsp.Raw;

namespace GenIsp.Tests.Data;

public sealed class AnnotationFrameTests
{
    [Theory]
    [InlineData(5496, 3672, 5472, 3648)] // Sony RX100 VII
    [InlineData(3968, 2640, 3936, 2624)] // Nikon D750
    public void RAW_NODs_frames_are_central_crops(int width, int height, int annotatedWidth, int annotatedHeight)
    {
        var frame = Find((annotatedWidth, annotatedHeight), (width, height));

        frame.Crop.ShouldBe((annotatedWidth, annotatedHeight));
        frame.ToPicture(new Box(10, 20, 30, 40)).ShouldBe(new Box(10, 20, 30, 40));
    }

    [Fact]
    public void The_same_size_needs_no_crop()
    {
        var frame = Find((640, 480), (640, 480));

        frame.Crop.ShouldBeNull();
        frame.ToPicture(new Box(10, 20, 30, 40)).ShouldBe(new Box(10, 20, 30, 40));
    }

    [Fact]
    public void Annotations_of_a_scaled_copy_are_scaled()
    {
        var frame = Find((750, 500), (6000, 4000));

        frame.Crop.ShouldBeNull();
        frame.ToPicture(new Box(10, 20, 30, 40)).ShouldBe(new Box(80, 160, 240, 320));
        frame.FromPicture(new Box(80, 160, 240, 320)).ShouldBe(new Box(10, 20, 30, 40));
    }

    [Fact]
    public void A_scaled_copys_size_may_be_rounded() => Find((1333, 888), (6000, 4000)).Crop.ShouldBeNull();

    [Fact]
    public void Annotations_of_half_the_cameras_picture_are_cropped_and_scaled()
    {
        var frame = Find((2736, 1824), (5496, 3672));

        frame.Crop.ShouldBe((5472, 3648));
        frame.ToPicture(new Box(10, 20, 30, 40)).ShouldBe(new Box(20, 40, 60, 80));
    }

    [Fact]
    public void A_turned_camera_has_its_picture_annotated_upright()
    {
        var frame = Find((3648, 5472), (5496, 3672), Orientation.Rotate90);

        frame.Crop.ShouldBe((5472, 3648)); // as stored
        frame.ToPicture(new Box(10, 20, 30, 40)).ShouldBe(new Box(10, 20, 30, 40));
    }

    [Fact]
    public void Or_as_it_is_stored_where_only_that_fits()
    {
        var frame = Find((5472, 3648), (5496, 3672), Orientation.Rotate90);

        frame.Crop.ShouldBe((5472, 3648));
        // The stored top left corner is at the upright picture's top right.
        frame.ToPicture(new Box(0, 0, 100, 10)).ShouldBe(new Box(3638, 0, 3648, 100));
    }

    [Theory]
    [InlineData(5496, 3000)] // another aspect
    [InlineData(4000, 2600)] // cuts too much
    [InlineData(5500, 3672)] // larger
    [InlineData(2, 1)] // a thumbnail that says nothing
    public void What_fits_in_no_way_is_none(int width, int height) =>
        AnnotationFrame.Find((width, height), (5496, 3672), Orientation.Upright).ShouldBeNull();

    [Fact]
    public void The_error_names_file_and_sizes()
    {
        var sensor = new SensorImage("x.arw", 8, 6, new ushort[48], BayerPattern.Rggb, new SensorLevels(0, 100));

        Should.Throw<GenIspException>(() => AnnotationFrame.In(sensor, new CocoImage("x", null, (800, 300)))).Message
            .ShouldContain("x.arw has 8×6 pixels, but its annotations were made on 800×300");
        Should.Throw<GenIspException>(() => AnnotationFrame.In(sensor, new CocoImage("x", null, null))).Message
            .ShouldContain("no \"width\"");
    }

    [Fact]
    public void A_photo_is_never_cropped()
    {
        var photo = new RgbImage(new float[3 * 100 * 80], new Frame(100, 80));

        AnnotationFrame.In(photo, "x.jpg", new CocoImage("x", null, (50, 40))).ToPicture(new Box(1, 2, 3, 4)).ShouldBe(new Box(2, 4, 6, 8));
        Should.Throw<GenIspException>(() => AnnotationFrame.In(photo, "x.jpg", new CocoImage("x", null, (98, 80))));
    }

    [Fact]
    public void A_bright_dot_is_where_its_box_says()
    {
        // 200×120, of which the annotations show 192×116; the dot is at (60..64, 40..44) of these, so 4 and 2 further in the mosaic.
        var mosaic = new ushort[200 * 120];
        for (var y = 42; y < 46; y++)
            mosaic.AsSpan(y * 200 + 64, 4).Fill(1000);
        var sensor = new SensorImage("dot", 200, 120, mosaic, BayerPattern.Rggb, new SensorLevels(0, 1000));
        var frame = AnnotationFrame.In(sensor, new CocoImage("dot", null, (192, 116)));

        var linear = LinearPipeline.ToLinear(sensor, new LinearOptions { Cst = CstDirection.None, Crop = frame.Crop, MaxSize = null });
        var box = linear.Frame.FromSource(frame.ToPicture(new Box(60, 40, 64, 44)));

        box.ShouldBe(new Box(30, 20, 32, 22));
        var lit = Enumerable.Range(0, linear.Width * linear.Height).Where(i => linear.Pixels.Span[i] > 0.5f);
        lit.ShouldBe([20 * 96 + 30, 20 * 96 + 31, 21 * 96 + 30, 21 * 96 + 31]);
    }

    private static AnnotationFrame Find((int, int) annotated, (int, int) sensor, Orientation orientation = Orientation.Upright) =>
        AnnotationFrame.Find(annotated, sensor, orientation).ShouldNotBeNull();
}
