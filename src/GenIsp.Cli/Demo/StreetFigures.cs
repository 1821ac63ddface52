using GenIsp.Data;
using SkiaSharp;

namespace GenIsp.Cli.Demo;

/// <summary>
/// What stands in a street, drawn on a canvas in metres: the origin on the ground below the figure's middle, y upwards, facing right.
/// Colours, poses and shapes come from the source of random numbers.
/// </summary>
internal static class StreetFigures
{
    private static readonly SKColor Rubber = new(28, 28, 30), Glass = new(70, 92, 108), Skin = new(214, 168, 136);

    /// <summary>A person on foot, 1.5 to 1.9 m tall, with bag or umbrella at times.</summary>
    public static void Person(SKCanvas canvas, ref RandomSource random)
    {
        canvas.Scale((float)random.NextUniform(0.86, 1.06));
        var (shirt, trousers, skin) = (Cloth(ref random), Cloth(ref random), Shade(Skin, random.NextUniform(0.45, 1.15)));
        var stride = (float)random.NextUniform(0, 0.32);
        var swing = stride * (float)random.NextUniform(0.4, 1);
        Limb(canvas, Shade(trousers, 0.8), 0.15f, (0, 0.9f), (-0.6f * stride, 0.46f), (-stride, 0.07f));
        Limb(canvas, Shade(shirt, 0.75), 0.1f, (0, 1.4f), (swing, 1.13f), (swing + 0.1f, 0.9f));
        if (Chance(ref random, 0.25))
            Block(canvas, Cloth(ref random), -0.34f, 0.95f, 0.24f, 0.5f, 0.08f);
        Limb(canvas, trousers, 0.16f, (0, 0.9f), (0.7f * stride, 0.48f), (stride, 0.07f));
        Limb(canvas, Rubber, 0.1f, (stride - 0.03f, 0.05f), (stride + 0.16f, 0.05f));
        Limb(canvas, Rubber, 0.1f, (-stride - 0.03f, 0.05f), (-stride + 0.14f, 0.05f));
        Block(canvas, shirt, -0.19f, 0.85f, 0.38f, 0.65f, 0.12f);
        if (Chance(ref random, 0.3))
        {
            for (var y = 0.95f; y < 1.4f; y += 0.16f)
                Block(canvas, Shade(shirt, 0.55), -0.18f, y, 0.36f, 0.07f, 0);
        }
        Limb(canvas, Shade(shirt, 0.9), 0.11f, (0.02f, 1.4f), (-swing, 1.14f), (-swing + 0.08f, 0.92f));
        Disk(canvas, skin, 0.01f, 1.63f, 0.125f);
        using (var hair = Fill(Shade(Cloth(ref random), 0.5)))
            canvas.DrawArc(SKRect.Create(-0.13f, 1.5f, 0.26f, 0.28f), 20, 200, false, hair);
        if (Chance(ref random, 0.15))
        {
            Limb(canvas, Rubber, 0.03f, (0.15f, 1f), (0.15f, 2.05f));
            using var umbrella = Fill(Cloth(ref random));
            canvas.DrawArc(SKRect.Create(-0.4f, 1.6f, 1.1f, 0.75f), 0, 180, true, umbrella);
        }
    }

    /// <summary>A bicycle from the side, 1.7 m long.</summary>
    public static void Bicycle(SKCanvas canvas, ref RandomSource random)
    {
        var frame = Cloth(ref random);
        foreach (var x in (ReadOnlySpan<float>)[-0.52f, 0.52f])
        {
            Ring(canvas, Rubber, x, 0.34f, 0.32f, 0.06f);
            Ring(canvas, new SKColor(150, 152, 155), x, 0.34f, 0.28f, 0.02f);
            var turn = random.NextUniform(0, 1);
            for (var spoke = 0; spoke < 5; spoke++)
            {
                var (sin, cos) = Math.SinCos((spoke + turn) * Math.PI / 5);
                var (dx, dy) = (0.29f * (float)cos, 0.29f * (float)sin);
                Limb(canvas, new SKColor(170, 172, 175), 0.012f, (x - dx, 0.34f - dy), (x + dx, 0.34f + dy));
            }
        }
        Limb(canvas, frame, 0.055f, (-0.52f, 0.34f), (-0.05f, 0.32f), (0.4f, 0.8f), (-0.16f, 0.8f), (-0.52f, 0.34f));
        Limb(canvas, frame, 0.055f, (-0.05f, 0.32f), (-0.2f, 0.92f));
        Limb(canvas, frame, 0.055f, (0.52f, 0.34f), (0.36f, 0.98f));
        Limb(canvas, Rubber, 0.05f, (0.36f, 0.98f), (0.52f, 1.03f), (0.58f, 0.94f));
        Limb(canvas, Rubber, 0.08f, (-0.32f, 0.95f), (-0.08f, 0.95f));
        Ring(canvas, Rubber, -0.05f, 0.32f, 0.09f, 0.04f);
        if (Chance(ref random, 0.3))
            Block(canvas, new SKColor(120, 96, 66), 0.42f, 0.72f, 0.32f, 0.24f, 0.02f);
    }

    /// <summary>A person on a bicycle: only the person, to be drawn over the bicycle.</summary>
    public static void Rider(SKCanvas canvas, ref RandomSource random)
    {
        var (shirt, trousers) = (Cloth(ref random), Cloth(ref random));
        Limb(canvas, trousers, 0.14f, (-0.2f, 0.98f), (0.14f, 0.72f), (0, 0.3f));
        Limb(canvas, shirt, 0.3f, (-0.14f, 1.08f), (0.08f, 1.45f));
        Limb(canvas, Shade(shirt, 0.8), 0.1f, (0.1f, 1.45f), (0.26f, 1.2f), (0.46f, 1.04f));
        Disk(canvas, Shade(Skin, random.NextUniform(0.5, 1.1)), 0.2f, 1.72f, 0.12f);
        using var helmet = Fill(Cloth(ref random));
        canvas.DrawArc(SKRect.Create(0.06f, 1.6f, 0.28f, 0.28f), 0, 180, true, helmet);
    }

    /// <summary>A car from the side, 3.7 to 4.6 m long: hatchback, saloon or van.</summary>
    public static void CarFromTheSide(SKCanvas canvas, ref RandomSource random)
    {
        var (body, half) = (Paint(ref random), (float)random.NextUniform(1.85, 2.3));
        var kind = (int)random.NextUniform(0, 3);
        // Roof from rear to front, as shares of the half length, and its height.
        var (rear, roofRear, roofFront, bonnet, roof) = kind switch
        {
            0 => (-0.98f, -0.75f, 0.1f, 0.5f, 1.5f),
            1 => (-0.65f, -0.4f, 0.12f, 0.48f, 1.42f),
            _ => (-1f, -0.96f, 0.42f, 0.72f, 1.95f),
        };
        Polygon(canvas, body, (rear * half, 0.8f), (roofRear * half, roof), (roofFront * half, roof), (bonnet * half, 0.85f));
        Block(canvas, body, -half, 0.28f, 2 * half, 0.66f, 0.18f);
        var (glass, sill) = (Shade(Glass, random.NextUniform(0.6, 1.4)), 0.92f);
        Polygon(
            canvas, glass, ((rear + 0.1f) * half, sill), ((roofRear + 0.05f) * half, roof - 0.1f), (-0.17f * half, roof - 0.1f),
            (-0.17f * half, sill));
        Polygon(
            canvas, glass, (-0.13f * half, sill), (-0.13f * half, roof - 0.1f), ((roofFront - 0.02f) * half, roof - 0.1f),
            ((bonnet - 0.1f) * half, sill));
        Block(canvas, Shade(body, 0.7), -half, 0.28f, 2 * half, 0.16f, 0.08f);
        Limb(canvas, Shade(body, 0.6), 0.025f, (-0.15f * half, 0.4f), (-0.15f * half, 0.9f));
        Block(canvas, new SKColor(250, 240, 205), half - 0.16f, 0.62f, 0.15f, 0.15f, 0.04f);
        Block(canvas, new SKColor(190, 30, 30), -half + 0.01f, 0.64f, 0.12f, 0.18f, 0.03f);
        foreach (var x in (ReadOnlySpan<float>)[-0.62f, 0.62f])
            Wheel(canvas, x * half, 0.33f);
    }

    /// <summary>A car from the front or the rear, 1.8 m wide.</summary>
    public static void CarFromTheFront(SKCanvas canvas, ref RandomSource random)
    {
        var body = Paint(ref random);
        var isRear = Chance(ref random, 0.5);
        var roof = (float)random.NextUniform(1.4, 1.85);
        foreach (var x in (ReadOnlySpan<float>)[-0.88f, 0.58f])
            Block(canvas, Rubber, x, 0, 0.3f, 0.5f, 0.08f);
        Polygon(canvas, Shade(body, 0.9), (-0.86f, 0.8f), (-0.64f, roof), (0.64f, roof), (0.86f, 0.8f));
        Block(canvas, body, -0.92f, 0.25f, 1.84f, 0.7f, 0.16f);
        var glass = Shade(Glass, random.NextUniform(0.6, 1.4));
        Polygon(canvas, glass, (-0.74f, 0.92f), (-0.56f, roof - 0.1f), (0.56f, roof - 0.1f), (0.74f, 0.92f));
        var lamp = isRear ? new SKColor(190, 30, 30) : new SKColor(250, 242, 214);
        Block(canvas, lamp, -0.86f, 0.62f, 0.32f, 0.18f, 0.06f);
        Block(canvas, lamp, 0.54f, 0.62f, 0.32f, 0.18f, 0.06f);
        Block(canvas, Shade(body, 0.45), -0.5f, isRear ? 0.32f : 0.4f, 1, 0.2f, 0.04f);
        Block(canvas, new SKColor(232, 232, 226), -0.24f, 0.44f, 0.48f, 0.12f, 0.01f);
    }

    /// <summary>A street lamp, 4.5 m tall.</summary>
    public static void Lamp(SKCanvas canvas)
    {
        Limb(canvas, new SKColor(62, 66, 70), 0.11f, (0, 0), (0, 4.2f), (0.35f, 4.5f), (0.9f, 4.5f));
        Block(canvas, new SKColor(255, 226, 160), 0.7f, 4.34f, 0.5f, 0.14f, 0.05f);
    }

    /// <summary>A tree, 3 to 5 m tall.</summary>
    public static void Tree(SKCanvas canvas, ref RandomSource random)
    {
        Limb(canvas, new SKColor(84, 66, 50), 0.22f, (0, 0), (0.05f, 2.2f));
        var leaves = Shade(new SKColor(66, 104, 54), random.NextUniform(0.6, 1.3));
        for (var i = 0; i < 14; i++)
        {
            Disk(
                canvas, Shade(leaves, random.NextUniform(0.75, 1.25)), (float)random.NextUniform(-0.9, 0.9),
                (float)random.NextUniform(2.1, 3.9), (float)random.NextUniform(0.35, 0.7));
        }
    }

    /// <summary>Makes a colour lighter or darker.</summary>
    public static SKColor Shade(SKColor color, double factor)
    {
        byte Scaled(byte value) => (byte)Math.Clamp(value * factor, 0, 255);
        return new SKColor(Scaled(color.Red), Scaled(color.Green), Scaled(color.Blue));
    }

    /// <summary>A filled, smooth paint.</summary>
    public static SKPaint Fill(SKColor color) => new() { Color = color, IsAntialias = true };

    /// <summary>True as often as the share says.</summary>
    public static bool Chance(ref RandomSource random, double share) => random.NextUniform(0, 1) < share;

    private static SKColor Cloth(ref RandomSource random) => SKColor.FromHsv(
        (float)random.NextUniform(0, 360), (float)random.NextUniform(5, 75), (float)random.NextUniform(12, 90));

    // Most cars are black, white or gray.
    private static SKColor Paint(ref RandomSource random) => SKColor.FromHsv(
        (float)random.NextUniform(0, 360), Chance(ref random, 0.5) ? (float)random.NextUniform(0, 12) : (float)random.NextUniform(45, 85),
        (float)random.NextUniform(18, 95));

    private static void Wheel(SKCanvas canvas, float x, float radius)
    {
        Disk(canvas, Rubber, x, radius, radius);
        Disk(canvas, new SKColor(150, 152, 156), x, radius, 0.6f * radius);
        Disk(canvas, new SKColor(80, 82, 86), x, radius, 0.22f * radius);
    }

    /// <summary>A filled polygon.</summary>
    public static void Polygon(SKCanvas canvas, SKColor color, params ReadOnlySpan<(float X, float Y)> corners)
    {
        using var paint = Fill(color);
        using var path = Path(corners);
        canvas.DrawPath(path, paint);
    }

    private static void Disk(SKCanvas canvas, SKColor color, float x, float y, float radius)
    {
        using var paint = Fill(color);
        canvas.DrawCircle(x, y, radius, paint);
    }

    private static void Ring(SKCanvas canvas, SKColor color, float x, float y, float radius, float width)
    {
        using var paint = Fill(color);
        (paint.Style, paint.StrokeWidth) = (SKPaintStyle.Stroke, width);
        canvas.DrawCircle(x, y, radius, paint);
    }

    private static void Block(SKCanvas canvas, SKColor color, float x, float y, float width, float height, float radius)
    {
        using var paint = Fill(color);
        canvas.DrawRoundRect(SKRect.Create(x, y, width, height), radius, radius, paint);
    }

    private static void Limb(SKCanvas canvas, SKColor color, float width, params ReadOnlySpan<(float X, float Y)> joints)
    {
        using var paint = Fill(color);
        (paint.Style, paint.StrokeWidth, paint.StrokeCap, paint.StrokeJoin) =
            (SKPaintStyle.Stroke, width, SKStrokeCap.Round, SKStrokeJoin.Round);
        using var path = Path(joints);
        canvas.DrawPath(path, paint);
    }

    private static SKPath Path(ReadOnlySpan<(float X, float Y)> corners)
    {
        using var path = new SKPathBuilder();
        path.MoveTo(corners[0].X, corners[0].Y);
        foreach (var (x, y) in corners[1..])
            path.LineTo(x, y);
        return path.Detach();
    }
}
