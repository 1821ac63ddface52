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

    // Detectors' pictures are small; letters would cover what was found.
    private const int Legible = 800;

    /// <summary>
    /// Writes the picture with its boxes as PNG; a small one enlarged by a whole number, so that its longer side has some 800 pixels.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="image">The picture.</param>
    /// <param name="boxes">In the order of drawing: the last lies on top, and its label gets the first choice of a free place.</param>
    /// <exception cref="GenIspException">The file can't be written.</exception>
    public static void WritePng(string path, RgbImage image, IEnumerable<LabelledBox> boxes)
    {
        var times = Math.Max(1, (int)Math.Round((double)Legible / Math.Max(image.Width, image.Height)));
        var frame = new Frame(image.Width, image.Height).Resize(times * image.Width, times * image.Height);
        using var bitmap = PictureFile.ToBitmap(image);
        using var large = new SKBitmap(bitmap.Info.WithSize(frame.Width, frame.Height));
        bitmap.ScalePixels(large, new SKSamplingOptions(SKCubicResampler.Mitchell));
        Draw(large, boxes.Select(box => box with { Box = frame.FromSource(box.Box) }));
        PictureFile.Write(path, large, SKEncodedImageFormat.Png, 100);
    }

    internal static void Draw(SKBitmap bitmap, IEnumerable<LabelledBox> boxes)
    {
        // Whole dots, so that the letters stay sharp.
        var dot = Math.Max(1, (int)Math.Round(Math.Min(bitmap.Width, bitmap.Height) / 400f));
        using var canvas = new SKCanvas(bitmap);
        using var outline = new SKPaint { IsStroke = true, StrokeWidth = 1.5f * dot, IsAntialias = true };
        using var fill = new SKPaint();
        using var ink = new SKPaint();
        var all = boxes.ToList();
        foreach (var (box, _, color) in all)
        {
            outline.Color = Hue(color);
            canvas.DrawRect(SKRect.Create(box.X1, box.Y1, box.Width, box.Height), outline);
        }
        var labels = new List<SKRect>();
        foreach (var (box, text, _) in Enumerable.Reverse(all))
            labels.Add(Place(box, (PixelFont.Measure(text) + 4) * dot, (PixelFont.Height + 4) * dot, bitmap, labels));
        labels.Reverse();
        foreach (var ((_, text, color), label) in all.Zip(labels))
        {
            fill.Color = Hue(color);
            ink.Color = 0.299 * fill.Color.Red + 0.587 * fill.Color.Green + 0.114 * fill.Color.Blue > 128 ? SKColors.Black : SKColors.White;
            canvas.DrawRect(label, fill);
            PixelFont.Draw(canvas, text, label.Left + 2 * dot, label.Top + 2 * dot, dot, ink);
        }
    }

    private static SKColor Hue(int color) => SKColor.FromHsl((float)(color * GoldenAngle % 360), 90, 55);

    // Above the box, inside it at its top, inside at its bottom, or below it: the first that is in the picture and free of other labels.
    private static SKRect Place(Box box, float width, float height, SKBitmap bitmap, List<SKRect> taken)
    {
        var left = MathF.Round(Math.Clamp(box.X1, 0, Math.Max(0, bitmap.Width - width)));
        SKRect At(float top) => SKRect.Create(left, MathF.Round(top), width, height);
        SKRect[] places = [At(box.Y1 - height), At(box.Y1), At(box.Y2 - height), At(box.Y2)];
        bool InPicture(SKRect place) => place.Top >= 0 && place.Bottom <= bitmap.Height;
        return places.Where(place => InPicture(place) && !taken.Any(place.IntersectsWith))
            .Append(places.FirstOrDefault(InPicture, At(0)))
            .First();
    }
}
