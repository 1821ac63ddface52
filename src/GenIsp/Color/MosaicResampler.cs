using System.Runtime.Intrinsics;
using GenIsp.Raw;

namespace GenIsp.Color;

/// <summary>
/// Pack, resize and colour in one pass over the mosaic. Bilinear interpolation is linear too, so it may come first, in raw units: each
/// output row blends its packed rows (two of the mosaic each) into a buffer that stays in the cache, and each output pixel then takes its
/// cells from it and one affine map to colour. Nothing of the mosaic's size is written.
/// </summary>
internal static class MosaicResampler
{
    /// <param name="sensor">Where the pixels come from.</param>
    /// <param name="crop">The part of it to use.</param>
    /// <param name="size">The result's size.</param>
    /// <param name="color">From raw units to the result's colour space.</param>
    /// <param name="antialias">Whether a picture that shrinks is averaged, or sampled.</param>
    /// <returns>[3, H, W], float32: bilinear, <c>align_corners</c> false, as PyTorch's <c>interpolate</c>.</returns>
    public static float[] Resample(SensorImage sensor, CropArea crop, (int Width, int Height) size, SensorToColor color, bool antialias)
    {
        Func<int, int, Taps> taps = antialias ? Taps.Antialiased : Taps.Bilinear;
        var columns = taps(crop.Width / 2, size.Width);
        var rows = taps(crop.Height / 2, size.Height);
        var white = (ushort)Math.Clamp(Math.Floor(sensor.Levels.White), 0, ushort.MaxValue);
        var cells = 2 * (crop.Width / 2);
        var pixels = GC.AllocateUninitializedArray<float>(3 * size.Width * size.Height);
        var weights = color.ByPlace(sensor.Cfa);
        var kernel = new CellToColor(weights, color.Offset);

        Parallel.For(
            0, size.Height,
            // Cells more than the row has, so that taps beyond its end, whose weight is 0, read something.
            () => new float[2 * cells + 4 * columns.Count],
            (y, _, buffer) =>
            {
                var lastRow = crop.Height / 2 - 1;
                ReadOnlySpan<ushort> Row(int packed, int row) =>
                    sensor.Mosaic.Span.Slice((crop.Y + 2 * Math.Min(packed, lastRow) + row) * sensor.Width + crop.X, cells);
                var first = rows.First[y];
                var ofRows = rows.WeightsOf(y);
                var blended = buffer.AsSpan(0, 2 * cells);
                for (var k = 0; k < rows.Count; k += 2)
                {
                    AddRows(
                        Row(first + k, 0), Row(first + k, 1), Row(first + k + 1, 0), Row(first + k + 1, 1), ofRows[k], ofRows[k + 1], white,
                        blended, isFirst: k == 0);
                }
                kernel.Run(buffer, columns, pixels, y * size.Width, size.Width * size.Height);
                return buffer;
            },
            _ => { });
        return pixels;
    }

    // Two packed rows (a, b), each of two rows of the mosaic, are added to one row of cells [top left, top right, bottom left, bottom
    // right]: min(a, white) · aWeight + min(b, white) · bWeight. The first are written over what the row held.
    private static void AddRows(
        ReadOnlySpan<ushort> aTop, ReadOnlySpan<ushort> aBottom, ReadOnlySpan<ushort> bTop, ReadOnlySpan<ushort> bBottom,
        float aWeight, float bWeight, ushort white, Span<float> cells, bool isFirst)
    {
        var (whites, aWeights, bWeights) = (Vector128.Create(white), Vector256.Create(aWeight), Vector256.Create(bWeight));
        var i = 0;
        for (; i <= aTop.Length - Vector128<ushort>.Count; i += Vector128<ushort>.Count)
        {
            var top = Blend(aTop, bTop, i, whites, aWeights, bWeights);
            var bottom = Blend(aBottom, bBottom, i, whites, aWeights, bWeights);
            // Pairs of floats of the two rows take turns: t0 t1 t2 t3, b0 b1 b2 b3 → t0 b0 t1 b1, t2 b2 t3 b3.
            ref var cell = ref cells[2 * i];
            var (left, right) = (Pairs(top.GetLower(), bottom.GetLower()), Pairs(top.GetUpper(), bottom.GetUpper()));
            (isFirst ? left : Vector256.LoadUnsafe(ref cell) + left).StoreUnsafe(ref cell);
            (isFirst ? right : Vector256.LoadUnsafe(ref cell, 8) + right).StoreUnsafe(ref cell, 8);
        }
        for (; i < aTop.Length; i += 2)
        {
            for (var k = 0; k < 2; k++)
            {
                ref float top = ref cells[2 * i + k], bottom = ref cells[2 * i + 2 + k];
                top = (isFirst ? 0 : top) + Math.Min(aTop[i + k], white) * aWeight + Math.Min(bTop[i + k], white) * bWeight;
                bottom = (isFirst ? 0 : bottom) + Math.Min(aBottom[i + k], white) * aWeight + Math.Min(bBottom[i + k], white) * bWeight;
            }
        }
    }

    private static Vector256<float> Blend(
        ReadOnlySpan<ushort> a, ReadOnlySpan<ushort> b, int i, Vector128<ushort> whites,
        Vector256<float> aWeights, Vector256<float> bWeights)
    {
        var first = ToFloats(Vector128.Min(Vector128.LoadUnsafe(in a[i]), whites));
        var second = ToFloats(Vector128.Min(Vector128.LoadUnsafe(in b[i]), whites));
        return Vector256.FusedMultiplyAdd(first, aWeights, second * bWeights);
    }

    private static Vector256<float> ToFloats(Vector128<ushort> values) =>
        Vector256.ConvertToSingle(Vector256.WidenLower(values.ToVector256Unsafe()).AsInt32());

    private static Vector256<float> Pairs(Vector128<float> top, Vector128<float> bottom) => Vector256.Shuffle(
        Vector256.Create(top, bottom).AsDouble(), Vector256.Create(0L, 2, 1, 3)).AsSingle();

    // Interpolates along a row of cells and maps each cell to colour, four pixels at a time.
    private readonly struct CellToColor(Geometry.Vector3[] byPlace, Geometry.Vector3 offset)
    {
        private readonly (float X, float Y, float Z)[] _weights =
            [.. byPlace.Append(offset).Select(v => ((float)v.X, (float)v.Y, (float)v.Z))];

        public void Run(ReadOnlySpan<float> cells, Taps columns, Span<float> pixels, int start, int plane)
        {
            var ((ax, ay, az), (bx, by, bz), (cx, cy, cz), (dx, dy, dz), (ox, oy, oz)) =
                (_weights[0], _weights[1], _weights[2], _weights[3], _weights[4]);
            var first = columns.First;
            Span<float> x = pixels.Slice(start, first.Length), y = pixels.Slice(start + plane, first.Length);
            var z = pixels.Slice(start + 2 * plane, first.Length);
            var i = 0;
            for (; i <= first.Length - 4; i += 4)
            {
                var (a, b, c, d) = Transpose(
                    Blend(cells, columns, i), Blend(cells, columns, i + 1), Blend(cells, columns, i + 2), Blend(cells, columns, i + 3));
                Dot(a, ax, b, bx, c, cx, d, dx, ox).StoreUnsafe(ref x[i]);
                Dot(a, ay, b, by, c, cy, d, dy, oy).StoreUnsafe(ref y[i]);
                Dot(a, az, b, bz, c, cz, d, dz, oz).StoreUnsafe(ref z[i]);
            }
            for (; i < first.Length; i++)
            {
                var cell = Blend(cells, columns, i);
                x[i] = cell[0] * ax + cell[1] * bx + cell[2] * cx + cell[3] * dx + ox;
                y[i] = cell[0] * ay + cell[1] * by + cell[2] * cy + cell[3] * dy + oy;
                z[i] = cell[0] * az + cell[1] * bz + cell[2] * cz + cell[3] * dz + oz;
            }
        }

        private static Vector128<float> Blend(ReadOnlySpan<float> cells, Taps columns, int i)
        {
            var weights = columns.WeightsOf(i);
            ref readonly var cell = ref cells.Slice(4 * columns.First[i], 4 * weights.Length)[0];
            var sum = Vector128.LoadUnsafe(in cell) * weights[0];
            for (var k = 1; k < weights.Length; k++)
                sum = Vector128.FusedMultiplyAdd(Vector128.LoadUnsafe(in cell, (nuint)(4 * k)), Vector128.Create(weights[k]), sum);
            return sum;
        }

        private static (Vector128<float>, Vector128<float>, Vector128<float>, Vector128<float>) Transpose(
            Vector128<float> p0, Vector128<float> p1, Vector128<float> p2, Vector128<float> p3)
        {
            var (ab01, cd01) = (Zip(p0.GetLower(), p1.GetLower()), Zip(p0.GetUpper(), p1.GetUpper()));
            var (ab23, cd23) = (Zip(p2.GetLower(), p3.GetLower()), Zip(p2.GetUpper(), p3.GetUpper()));
            return (Vector128.Create(ab01.GetLower(), ab23.GetLower()), Vector128.Create(ab01.GetUpper(), ab23.GetUpper()),
                Vector128.Create(cd01.GetLower(), cd23.GetLower()), Vector128.Create(cd01.GetUpper(), cd23.GetUpper()));
        }

        // [p0, p1], [q0, q1] → [p0, q0, p1, q1].
        private static Vector128<float> Zip(Vector64<float> p, Vector64<float> q) =>
            Vector128.Shuffle(Vector128.Create(p, q), Vector128.Create(0, 2, 1, 3));

        private static Vector128<float> Dot(
            Vector128<float> a, float wa, Vector128<float> b, float wb, Vector128<float> c, float wc, Vector128<float> d, float wd,
            float offset) => a * wa + b * wb + (c * wc + d * wd) + Vector128.Create(offset);
    }
}
