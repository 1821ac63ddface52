using GenIsp.Geometry;
using SkiaSharp;

namespace GenIsp.Imaging;

/// <summary>A box with words, to be drawn.</summary>
/// <param name="Box">In the picture's pixels.</param>
/// <param name="Text">What stands above it.</param>
/// <param name="Color">Which colour it gets: boxes of the same number look alike.</param>
public readonly record struct LabelledBox(Box Box, string Text, int Color);

/// <summary>Draws boxes into pictures.</summary>
public static class BoxPainter
{
    // Neighbours differ in hue by the golden angle, so that any few of them tell apart.
    private const double GoldenAngle = 137.508;

    /// <summary>Writes the picture with its boxes as PNG.</summary>
    /// <exception cref="GenIspException">The file can't be written.</exception>
    public static void WritePng(string path, RgbImage image, IEnumerable<LabelledBox> boxes)
    {
        using var bitmap = PictureFile.ToBitmap(image);
        Draw(bitmap, boxes);
        PictureFile.Write(path, bitmap, SKEncodedImageFormat.Png, 100);
    }

    internal static void Draw(SKBitmap bitmap, IEnumerable<LabelledBox> boxes)
    {
        // Whole dots, so that the letters stay sharp.
        var dot = Math.Max(1, (int)Math.Round(Math.Min(bitmap.Width, bitmap.Height) / 400f));
        using var canvas = new SKCanvas(bitmap);
        using var outline = new SKPaint { IsStroke = true, StrokeWidth = 1.5f * dot, IsAntialias = true };
        using var fill = new SKPaint();
        using var ink = new SKPaint();
        foreach (var (box, text, color) in boxes)
        {
            var hue = SKColor.FromHsl((float)(color * GoldenAngle % 360), 90, 55);
            outline.Color = fill.Color = hue;
            ink.Color = 0.299 * hue.Red + 0.587 * hue.Green + 0.114 * hue.Blue > 128 ? SKColors.Black : SKColors.White;
            canvas.DrawRect(SKRect.Create(box.X1, box.Y1, box.Width, box.Height), outline);
            var (width, height) = ((PixelFont.Measure(text) + 4) * dot, (PixelFont.Height + 4) * dot);
            // Above the box, or where the picture ends there, inside it.
            var top = MathF.Round(box.Y1 >= height ? box.Y1 - height : box.Y1);
            var left = MathF.Round(Math.Clamp(box.X1, 0, Math.Max(0, bitmap.Width - width)));
            canvas.DrawRect(left, top, width, height, fill);
            PixelFont.Draw(canvas, text, left + 2 * dot, top + 2 * dot, dot, ink);
        }
    }
}
