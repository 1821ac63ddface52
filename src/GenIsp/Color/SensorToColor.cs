using GenIsp.Geometry;
using GenIsp.Raw;

namespace GenIsp.Color;

/// <summary>
/// Levels, the averaging of greens and the CST are each linear (a pixel is held at white before), so together they are one affine map
/// of a cell: colour = R·<see cref="R"/> + G1·<see cref="G1"/> + G2·<see cref="G2"/> + B·<see cref="B"/> + <see cref="Offset"/>, with
/// R, G1, G2, B in raw units.
/// </summary>
internal sealed record SensorToColor(Vector3 R, Vector3 G1, Vector3 G2, Vector3 B, Vector3 Offset)
{
    public static SensorToColor From(SensorLevels levels, Matrix3 transform)
    {
        // Column c of the matrix times 1 / (white − black_c); each green counts half.
        Vector3 Column(CfaColor color)
        {
            var gain = 1 / (levels.White - levels.Black(color));
            return transform * (color switch
            {
                CfaColor.R => new Vector3(gain, 0, 0),
                CfaColor.B => new Vector3(0, 0, gain),
                _ => new Vector3(0, gain / 2, 0),
            });
        }
        var (r, g1, g2, b) = (Column(CfaColor.R), Column(CfaColor.G1), Column(CfaColor.G2), Column(CfaColor.B));
        double Dark(Func<Vector3, double> row) =>
            -(row(r) * levels.BlackR + row(g1) * levels.BlackG1 + row(g2) * levels.BlackG2 + row(b) * levels.BlackB);
        return new(r, g1, g2, b, new Vector3(Dark(v => v.X), Dark(v => v.Y), Dark(v => v.Z)));
    }

    /// <summary>The same map for the cell's pixels in their order of place: top left, top right, bottom left, bottom right.</summary>
    public Vector3[] ByPlace(BayerPattern cfa) =>
        [.. new[] { cfa.ColorAt(0, 0), cfa.ColorAt(1, 0), cfa.ColorAt(0, 1), cfa.ColorAt(1, 1) }.Select(color => color switch
        {
            CfaColor.R => R,
            CfaColor.G1 => G1,
            CfaColor.G2 => G2,
            _ => B,
        })];
}
