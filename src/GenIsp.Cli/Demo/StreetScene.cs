using GenIsp.Data;
using GenIsp.Geometry;
using SkiaSharp;

namespace GenIsp.Cli.Demo;

/// <summary>A thing in a scene.</summary>
/// <param name="Class">Its place in <see cref="StreetScene.Classes"/>.</param>
/// <param name="Box">In the picture's pixels: what would be seen if nothing stood in front, inside the picture.</param>
internal readonly record struct StreetObject(int Class, Box Box);

/// <summary>
/// A drawn street by day with people, bicycles and cars: ground, houses and sky in perspective, and figures from far to near, so that near
/// ones hide far ones. The same seed draws the same scene.
/// </summary>
internal sealed class StreetScene : IDisposable
{
    public const int Width = 320, Height = 224;

    private const double CameraHeight = 2.2; // m

    // A thing is annotated if so much of it is seen, and if it is so tall.
    private const double LeastVisible = 0.35;
    private const int LeastHeight = 9, LeastWidth = 5;

    private const int Unnamed = -1;

    private StreetScene(SKBitmap picture, IReadOnlyList<StreetObject> objects) => (Picture, Objects) = (picture, objects);

    public static IReadOnlyList<string> Classes { get; } = ["person", "bicycle", "car"];

    /// <summary><see cref="Width"/> × <see cref="Height"/> pixels, sRGB.</summary>
    public SKBitmap Picture { get; }

    public IReadOnlyList<StreetObject> Objects { get; }

    public static StreetScene Draw(ulong seed)
    {
        var random = new RandomSource(seed);
        var picture = NewLayer();
        using var canvas = new SKCanvas(picture);
        var horizon = Height * random.NextUniform(0.3, 0.46);
        Backdrop(canvas, horizon, ref random);
        var owners = new int[Width * Height]; // 0 is nobody's
        var placed = new List<(int Class, Box Box, int Pixels)>();
        var count = (int)random.NextUniform(5, 13);
        // Evenly in 1/distance, which is evenly down the picture; from far to near.
        var depths = new double[count];
        for (var i = 0; i < count; i++)
            depths[i] = random.NextUniform(0.12, 1);
        Array.Sort(depths);
        foreach (var nearness in depths)
        {
            var ground = horizon + nearness * nearness * (1.02 * Height - horizon);
            var scale = (float)((ground - horizon) / CameraHeight); // pixels a metre
            var x = (float)random.NextUniform(-0.03, 1.03) * Width;
            Place(canvas, x, (float)ground, scale, owners, placed, ref random);
        }
        Light(canvas, ref random);
        var seen = owners.CountBy(owner => owner).ToDictionary();
        return new StreetScene(picture,
        [
            .. placed.Index().Where(thing => thing.Item.Class >= 0
                && seen.GetValueOrDefault(thing.Index + 1) >= LeastVisible * thing.Item.Pixels
                && thing.Item.Box is { Height: >= LeastHeight, Width: >= LeastWidth })
                .Select(thing => new StreetObject(thing.Item.Class, thing.Item.Box)),
        ]);
    }

    /// <summary>The picture as [3, <see cref="Height"/>, <see cref="Width"/>], 0..1.</summary>
    public float[] ToPixels()
    {
        const int Plane = Width * Height;
        var bytes = Picture.GetPixelSpan();
        var pixels = new float[3 * Plane];
        for (var i = 0; i < Plane; i++)
        {
            for (var channel = 0; channel < 3; channel++)
                pixels[channel * Plane + i] = bytes[4 * i + channel] / 255f;
        }
        return pixels;
    }

    public void Dispose() => Picture.Dispose();

    private delegate void Figure(SKCanvas canvas, ref RandomSource random);

    // A rider on a bicycle is two things; lamps and trees are of no class.
    private static (int Class, Figure Draw)[] Things(double choice) => choice switch
    {
        < 0.36 => [(0, StreetFigures.Person)],
        < 0.5 => [(1, StreetFigures.Bicycle)],
        < 0.62 => [(1, StreetFigures.Bicycle), (0, StreetFigures.Rider)],
        < 0.8 => [(2, StreetFigures.CarFromTheSide)],
        < 0.9 => [(2, StreetFigures.CarFromTheFront)],
        < 0.95 => [(Unnamed, (SKCanvas canvas, ref RandomSource _) => StreetFigures.Lamp(canvas))],
        _ => [(Unnamed, StreetFigures.Tree)],
    };

    private static void Place(
        SKCanvas canvas, float x, float ground, float scale, int[] owners, List<(int, Box, int)> placed, ref RandomSource random)
    {
        var things = Things(random.NextUniform(0, 1));
        var mirror = StreetFigures.Chance(ref random, 0.5) ? -1 : 1;
        Shadow(canvas, x, ground, scale * (things[0].Class == 2 ? 1.9f : 0.5f));
        foreach (var (@class, draw) in things)
        {
            using var layer = NewLayer();
            using (var onLayer = new SKCanvas(layer))
            {
                onLayer.Translate(x, ground);
                onLayer.Scale(mirror * scale, -scale);
                draw(onLayer, ref random);
            }
            var (box, pixels) = Claim(layer, owners, placed.Count + 1);
            placed.Add((@class, box, pixels));
            canvas.DrawBitmap(layer, 0, 0, SKSamplingOptions.Default);
        }
    }

    // Where a layer is drawn on, it now is the nearest; its extent, and how many pixels it has.
    private static (Box Box, int Pixels) Claim(SKBitmap layer, int[] owners, int owner)
    {
        var pixels = layer.GetPixelSpan();
        var (left, top, right, bottom, count) = (Width, Height, 0, 0, 0);
        for (var i = 0; i < owners.Length; i++)
        {
            if (pixels[4 * i + 3] < 128)
                continue;
            var (y, x) = Math.DivRem(i, Width);
            (left, top, right, bottom) = (Math.Min(left, x), Math.Min(top, y), Math.Max(right, x + 1), Math.Max(bottom, y + 1));
            owners[i] = owner;
            count++;
        }
        return (count == 0 ? default : new Box(left, top, right, bottom), count);
    }

    private static SKBitmap NewLayer() => new(new SKImageInfo(Width, Height, SKColorType.Rgba8888, SKAlphaType.Premul));

    private static void Backdrop(SKCanvas canvas, double horizon, ref RandomSource random)
    {
        var hue = (float)random.NextUniform(190, 225);
        var haze = SKColor.FromHsv(hue, (float)random.NextUniform(2, 18), (float)random.NextUniform(70, 98));
        using (var sky = new SKPaint())
        {
            var zenith = SKColor.FromHsv(hue, (float)random.NextUniform(8, 55), (float)random.NextUniform(55, 95));
            sky.Shader = SKShader.CreateLinearGradient(new(0, 0), new(0, (float)horizon), [zenith, haze], SKShaderTileMode.Clamp);
            canvas.DrawRect(0, 0, Width, (float)horizon + 3, sky);
        }
        for (var x = -20f; x < Width; x += (float)random.NextUniform(24, 80))
            House(canvas, x, (float)horizon + 4, ref random);
        var asphalt = StreetFigures.Shade(new SKColor(112, 112, 116), random.NextUniform(0.65, 1.25));
        using (var ground = StreetFigures.Fill(asphalt))
            canvas.DrawRect(0, (float)horizon + 2, Width, Height, ground);
        Pavement(canvas, (float)horizon + 2, StreetFigures.Shade(asphalt, random.NextUniform(1.15, 1.5)), ref random);
        for (var i = 0; i < 900; i++)
        {
            var y = (float)(horizon + 2 + random.NextUniform(0, 1) * (Height - horizon));
            using var grain = StreetFigures.Fill(StreetFigures.Shade(asphalt, random.NextUniform(0.8, 1.15)).WithAlpha(120));
            canvas.DrawRect((float)random.NextUniform(0, Width), y, (float)random.NextUniform(1, 5), 1, grain);
        }
    }

    private static void House(SKCanvas canvas, float x, float foot, ref RandomSource random)
    {
        var (width, height) = ((float)random.NextUniform(40, 100), (float)random.NextUniform(20, 110));
        var wall = SKColor.FromHsv((float)random.NextUniform(0, 60), (float)random.NextUniform(5, 45), (float)random.NextUniform(35, 85));
        using (var paint = StreetFigures.Fill(wall))
            canvas.DrawRect(x, foot - height, width, height, paint);
        var (stepX, stepY) = ((float)random.NextUniform(9, 18), (float)random.NextUniform(11, 22));
        for (var y = foot - height + 5; y < foot - 8; y += stepY)
        {
            for (var at = x + 4; at < x + width - 6; at += stepX)
            {
                using var pane = StreetFigures.Fill(StreetFigures.Shade(new SKColor(66, 78, 92), random.NextUniform(0.5, 1.8)));
                canvas.DrawRect(at, y, 0.5f * stepX, 0.55f * stepY, pane);
            }
        }
    }

    // Kerb and lane marks run to the vanishing point.
    private static void Pavement(SKCanvas canvas, float horizon, SKColor color, ref RandomSource random)
    {
        var vanishing = (float)random.NextUniform(0.1, 0.9) * Width;
        var edge = (float)random.NextUniform(-0.6, 0.4) * Width;
        StreetFigures.Polygon(canvas, color, (vanishing, horizon), (edge, Height), (-2 * Width, Height), (-2 * Width, horizon));
        for (var (near, far) = (1.0, 0.8); far > 0.05; (near, far) = (far * 0.8, far * 0.62))
        {
            (float, float) At(double nearness, double side) => (
                (float)(vanishing + nearness * (1.3 * Width - vanishing + side)), (float)(horizon + nearness * (Height - horizon)));
            StreetFigures.Polygon(canvas, new SKColor(225, 225, 220), At(near, -8), At(near, 8), At(far, 8), At(far, -8));
        }
    }

    private static void Shadow(SKCanvas canvas, float x, float ground, float halfWidth)
    {
        using var dark = StreetFigures.Fill(SKColors.Black.WithAlpha(70));
        canvas.DrawOval(x, ground, halfWidth * 1.1f, halfWidth * 0.18f, dark);
    }

    // The day is brighter on one side.
    private static void Light(SKCanvas canvas, ref RandomSource random)
    {
        var dark = SKColors.Black.WithAlpha((byte)random.NextUniform(0, 90));
        using var paint = new SKPaint();
        var fromLeft = StreetFigures.Chance(ref random, 0.5);
        paint.Shader = SKShader.CreateLinearGradient(
            new(0, 0), new(Width, Height / 2f),
            fromLeft ? [SKColors.Transparent, dark] : [dark, SKColors.Transparent], SKShaderTileMode.Clamp);
        canvas.DrawRect(0, 0, Width, Height, paint);
    }
}
