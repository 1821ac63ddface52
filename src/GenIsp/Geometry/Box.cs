namespace GenIsp.Geometry;

/// <summary>
/// An axis-aligned box in pixels of some frame: corners (<paramref name="X1"/>, <paramref name="Y1"/>) and (<paramref name="X2"/>,
/// <paramref name="Y2"/>). Coordinates are continuous, as COCO's: the first pixel spans 0..1.
/// </summary>
/// <param name="X1">Left edge.</param>
/// <param name="Y1">Top edge.</param>
/// <param name="X2">Right edge.</param>
/// <param name="Y2">Bottom edge.</param>
public readonly record struct Box(float X1, float Y1, float X2, float Y2)
{
    /// <summary>X2 − X1; negative in an inverted box.</summary>
    public float Width => X2 - X1;

    /// <summary>Y2 − Y1; negative in an inverted box.</summary>
    public float Height => Y2 - Y1;

    /// <summary>Width times height, in square pixels.</summary>
    public float Area => Width * Height;

    /// <summary>A box from COCO's [x, y, width, height].</summary>
    public static Box FromXywh(float x, float y, float width, float height) => new(x, y, x + width, y + height);

    /// <summary>Intersection over union, 0..1, in float32 as torchvision's <c>box_iou</c> computes it.</summary>
    public float IoU(Box other)
    {
        var width = Math.Max(0, Math.Min(X2, other.X2) - Math.Max(X1, other.X1));
        var height = Math.Max(0, Math.Min(Y2, other.Y2) - Math.Max(Y1, other.Y1));
        var intersection = width * height;
        return intersection / (Area + other.Area - intersection);
    }

    /// <summary>The part inside a frame of the given size.</summary>
    public Box ClipTo(int width, int height) =>
        new(Math.Clamp(X1, 0, width), Math.Clamp(Y1, 0, height), Math.Clamp(X2, 0, width), Math.Clamp(Y2, 0, height));
}
