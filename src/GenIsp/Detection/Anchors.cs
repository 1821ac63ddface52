using GenIsp.Geometry;

namespace GenIsp.Detection;

/// <summary>
/// RetinaNet's anchors (arXiv 1708.02002, section 4): at each cell of the five levels P3..P7, nine boxes of three sizes and three
/// ratios. Rounded to whole pixels as torchvision's <c>AnchorGenerator</c> rounds them.
/// </summary>
internal static class Anchors
{
    /// <summary>How many anchors a cell has.</summary>
    public const int PerCell = 9;

    // Height over width.
    private static readonly float[] Ratios = [0.5f, 1, 2];

    /// <summary>Each level's boxes around the origin, [5][9], ratio by ratio, each with its sizes in ascending order.</summary>
    public static IReadOnlyList<IReadOnlyList<Box>> OfCell { get; } =
        [.. new[] { 32, 64, 128, 256, 512 }.Select(size => AroundOrigin(size))];

    /// <summary>All anchors of a batch's frame, level by level, row by row, cell by cell.</summary>
    /// <param name="height">Of the padded batch, in pixels.</param>
    /// <param name="width">Likewise.</param>
    /// <param name="grids">The size of each level's feature map.</param>
    /// <returns>In pixels of the padded batch. They may reach beyond it.</returns>
    public static Box[] Create(int height, int width, IReadOnlyList<(int Height, int Width)> grids)
    {
        var boxes = new List<Box>(grids.Sum(grid => grid.Height * grid.Width * PerCell));
        foreach (var ((rows, columns), cell) in grids.Zip(OfCell))
        {
            var (rowStride, columnStride) = (height / rows, width / columns);
            for (var row = 0; row < rows; row++)
            {
                for (var column = 0; column < columns; column++)
                {
                    var (x, y) = (column * columnStride, row * rowStride);
                    foreach (var box in cell)
                        boxes.Add(new Box(x + box.X1, y + box.Y1, x + box.X2, y + box.Y2));
                }
            }
        }
        return [.. boxes];
    }

    private static IReadOnlyList<Box> AroundOrigin(int size)
    {
        // torchvision truncates the sizes between the powers of two.
        int[] sizes = [size, (int)(size * Math.Pow(2, 1.0 / 3)), (int)(size * Math.Pow(2, 2.0 / 3))];
        return [.. Ratios.SelectMany(ratio => sizes.Select(side => AroundOrigin(side, MathF.Sqrt(ratio))))];
    }

    private static Box AroundOrigin(int side, float rootOfRatio)
    {
        var right = MathF.Round(1 / rootOfRatio * side / 2);
        var bottom = MathF.Round(rootOfRatio * side / 2);
        return new Box(-right, -bottom, right, bottom);
    }
}
