using GenIsp.Geometry;
using SkiaSharp;

namespace GenIsp.Imaging;

/// <summary>A picture of a contact sheet.</summary>
/// <param name="Image">The picture, of any size.</param>
/// <param name="Boxes">In its pixels.</param>
/// <param name="Caption">What stands below it: letters, digits and a few signs.</param>
public sealed record ContactPrint(RgbImage Image, IReadOnlyList<LabelledBox> Boxes, string Caption);

/// <summary>Many small pictures on one, with their boxes.</summary>
public static class ContactSheet
{
    /// <summary>The place for one picture: none is drawn larger.</summary>
    public const int CellWidth = 600;

    /// <inheritdoc cref="CellWidth"/>
    public const int CellHeight = 400;

    private const int Margin = 8;
    private const int Dot = 2;
    private const int CaptionHeight = (PixelFont.Height + 4) * Dot;

    /// <summary>Writes the sheet as PNG.</summary>
    /// <param name="path">Where to; an older file is replaced.</param>
    /// <param name="prints">The pictures, row by row.</param>
    /// <param name="columns">Pictures a row.</param>
    /// <exception cref="GenIspException">The file can't be written.</exception>
    public static void WritePng(string path, IReadOnlyList<ContactPrint> prints, int columns)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(columns, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(prints.Count, 1);
        columns = Math.Min(columns, prints.Count);
        var rows = (prints.Count + columns - 1) / columns;
        var (stepX, stepY) = (CellWidth + Margin, CellHeight + CaptionHeight + Margin);
        using var sheet = new SKBitmap(new SKImageInfo(
            columns * stepX + Margin, rows * stepY + Margin, SKColorType.Rgba8888, SKAlphaType.Opaque));
        using var canvas = new SKCanvas(sheet);
        canvas.Clear(new SKColor(32, 32, 32));
        using var ink = new SKPaint { Color = SKColors.White };
        for (var i = 0; i < prints.Count; i++)
        {
            var (left, top) = (Margin + i % columns * stepX, Margin + i / columns * stepY);
            using var small = Shrink(prints[i]);
            var (right, down) = ((CellWidth - small.Width) / 2, (CellHeight - small.Height) / 2);
            canvas.DrawBitmap(small, left + right, top + down, new SKSamplingOptions(SKFilterMode.Nearest));
            PixelFont.Draw(canvas, prints[i].Caption, left, top + CellHeight + 2 * Dot, Dot, ink);
        }
        PictureFile.Write(path, sheet, SKEncodedImageFormat.Png, 100);
    }

    // Boxes are drawn after the picture has its size, so that lines and letters stay sharp.
    private static SKBitmap Shrink(ContactPrint print)
    {
        var (width, height) = (print.Image.Width, print.Image.Height);
        var scale = Math.Min(1, Math.Min((double)CellWidth / width, (double)CellHeight / height));
        var frame = new Frame(width, height).Resize(
            Math.Max(1, (int)Math.Round(width * scale)), Math.Max(1, (int)Math.Round(height * scale)));
        using var full = PictureFile.ToBitmap(print.Image);
        var small = new SKBitmap(full.Info.WithSize(frame.Width, frame.Height));
        full.ScalePixels(small, new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear));
        BoxPainter.Draw(small, print.Boxes.Select(box => box with { Box = frame.FromSource(box.Box) }));
        return small;
    }
}
