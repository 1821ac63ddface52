using CsCheck;
using GenIsp.Detection;
using GenIsp.Geometry;
using static TorchSharp.torch;

namespace GenIsp.Tests.Detection;

public sealed class DetectorInputTests
{
    // Pillow's BILINEAR on one channel: a triangle as wide as the scale where it shrinks, centred at .5, its weights adding up to 1.
    private static float Sample(Tensor channel, int x, int y, int width, int height)
    {
        static (int From, double[] Weights) Triangle(int at, int size, long sourceSize)
        {
            var scale = (double)sourceSize / size;
            var (center, support) = ((at + 0.5) * scale, Math.Max(1, scale));
            var from = (int)Math.Max(0, Math.Floor(center - support));
            var to = (int)Math.Min(sourceSize, Math.Ceiling(center + support));
            var weights = Enumerable.Range(from, to - from).Select(i => Math.Max(0, 1 - Math.Abs(i + 0.5 - center) / support)).ToArray();
            return (from, [.. weights.Select(weight => weight / weights.Sum())]);
        }
        var (left, columns) = Triangle(x, width, channel.shape[1]);
        var (top, rows) = Triangle(y, height, channel.shape[0]);
        return (float)rows.Select((row, j) =>
            row * columns.Select((column, i) => column * channel[top + j, left + i].item<float>()).Sum()).Sum();
    }

    [Theory]
    [InlineData(10, 7), InlineData(7, 10), InlineData(50, 31), InlineData(16, 16)]
    public void The_image_lies_at_the_top_left_resized_as_Pillow_does_and_normalised(int width, int height)
    {
        using var scope = NewDisposeScope();
        var image = rand(3, height, width);
        var wanted = new DetectorInput(16, 16, 114, ChannelOrder.Bgr, (1, 2, 3), (4, 5, 6));
        var (input, _) = wanted.Apply(image);
        var resized = wanted.Fit(width, height);
        input.shape.ShouldBe([1, 3, 16, 16]);
        Math.Max(resized.Width, resized.Height).ShouldBe(16);
        foreach (var (channel, from, mean, std) in new[] { (0, 2, 1f, 4f), (1, 1, 2f, 5f), (2, 0, 3f, 6f) })
        {
            for (var y = 0; y < 16; y++)
            {
                for (var x = 0; x < 16; x++)
                {
                    var inside = x < resized.Width && y < resized.Height;
                    var value = inside ? 255 * Sample(image[from], x, y, resized.Width, resized.Height) : 114;
                    input[0, channel, y, x].item<float>().ShouldBe((value - mean) / std, 1e-3); // of up to 64
                }
            }
        }
    }

    [Fact]
    public void Rgb_stays_rgb()
    {
        using var scope = NewDisposeScope();
        var image = rand(3, 8, 8);
        var (input, _) = new DetectorInput(8, 8, 0, ChannelOrder.Rgb, (0, 0, 0), (1, 1, 1)).Apply(image);
        input[0].allclose(image * 255, 1e-5, 1e-4).ShouldBeTrue();
    }

    [Theory]
    [InlineData(640, 427, 416, 277), InlineData(427, 640, 277, 416), InlineData(640, 480, 416, 312), InlineData(1, 10000, 1, 416)]
    public void Sizes_are_rounded_down(int width, int height, int expectedWidth, int expectedHeight) =>
        DetectorInput.Yolox(416, 416).Fit(width, height).ShouldBe((expectedWidth, expectedHeight));

    [Fact]
    public void A_gradient_reaches_every_pixel_when_the_image_is_not_shrunk()
    {
        using var scope = NewDisposeScope();
        var image = rand(3, 7, 10).requires_grad_();
        DetectorInput.NanoDet(16, 16).Apply(image).Input.sum().backward();
        image.grad!.gt(0).all().item<bool>().ShouldBeTrue();
    }

    [Fact]
    public void An_image_of_another_shape_is_the_callers_mistake()
    {
        using var image = zeros(1, 3, 4, 4);
        Should.Throw<ArgumentException>(() => DetectorInput.Yolox(8, 8).Apply(image));
    }

    [Fact]
    public void Boxes_go_there_and_back()
    {
        Gen.Select(Gen.Int[1, 6000], Gen.Int[1, 6000], Gen.Float.Unit.Array[4]).Sample(
            (width, height, corners) =>
            {
                var frame = DetectorInput.Yolox(640, 416).Place(width, height);
                var (left, right) = (Math.Min(corners[0], corners[2]), Math.Max(corners[0], corners[2]));
                var (top, bottom) = (Math.Min(corners[1], corners[3]), Math.Max(corners[1], corners[3]));
                var box = new Box(left * width, top * height, right * width, bottom * height);
                var inside = frame.FromSource(box);
                inside.X2.ShouldBeInRange(0, 640.01f);
                inside.Y2.ShouldBeInRange(0, 416.01f);
                var back = frame.ToSource(inside);
                back.X1.ShouldBe(box.X1, 1e-5 * width);
                back.Y1.ShouldBe(box.Y1, 1e-5 * height);
                back.X2.ShouldBe(box.X2, 1e-5 * width);
                back.Y2.ShouldBe(box.Y2, 1e-5 * height);
            },
            iter: 200);
    }

    [Fact]
    public void The_whole_image_is_the_whole_letterbox()
    {
        var whole = DetectorInput.Yolox(416, 416).Place(640, 427).FromSource(new Box(0, 0, 640, 427));
        (whole.X2, whole.Y2).ShouldBe((416, 277));
    }
}
