using System.Runtime.Intrinsics;
using GenIsp.Raw;

namespace GenIsp.Color;

/// <summary>
/// Pack, resize and colour in one pass over the mosaic. Bilinear interpolation is linear too, so it may come first, in raw units: each
/// output row blends two packed rows (four of the mosaic) into a buffer that stays in the cache, and each output pixel then takes two
/// cells from it and one affine map to colour. The mosaic is read once, nothing of its size is written.
/// </summary>
internal static class MosaicResampler
{
    /// <param name="sensor">Where the pixels come from.</param>
    /// <param name="crop">The part of it to use.</param>
    /// <param name="size">The result's size.</param>
    /// <param name="color">From raw units to the result's colour space.</param>
    /// <returns>[3, H, W], float32: bilinear, <c>align_corners</c> false, no antialias, as PyTorch's <c>interpolate</c>.</returns>
    public static float[] Resample(SensorImage sensor, CropArea crop, (int Width, int Height) size, SensorToColor color)
    {
        var columns = Taps.For(crop.Width / 2, size.Width);
        var rows = Taps.For(crop.Height / 2, size.Height);
        var white = (ushort)Math.Clamp(Math.Floor(sensor.Levels.White), 0, ushort.MaxValue);
        var cells = 2 * (crop.Width / 2);
        var pixels = GC.AllocateUninitializedArray<float>(3 * size.Width * size.Height);
        var weights = color.ByPlace(sensor.Cfa);
        var kernel = new CellToColor(weights, color.Offset);

        Parallel.For(
            0, size.Height,
            // A cell more than the row has, so that the last column's second tap (whose weight is 0) reads something.
            () => new float[2 * cells + 4],
            (y, _, buffer) =>
            {
                ReadOnlySpan<ushort> Row(int row) => sensor.Mosaic.Span.Slice((crop.Y + row) * sensor.Width + crop.X, cells);
                var (first, second) = (2 * rows.First[y], 2 * rows.Second(y));
                BlendRows(Row(first), Row(first + 1), Row(second), Row(second + 1), rows.Weight[y], white, buffer);
                kernel.Run(buffer, columns, pixels, y * size.Width, size.Width * size.Height);
                return buffer;
            },
            _ => { });
        return pixels;
    }

    // Two packed rows (a, b), each of two rows of the mosaic, become one row of cells [top left, top right, bottom left, bottom right]:
    // min(a, white) · (1 − weight) + min(b, white) · weight.
    private static void BlendRows(
        ReadOnlySpan<ushort> aTop, ReadOnlySpan<ushort> aBottom, ReadOnlySpan<ushort> bTop, ReadOnlySpan<ushort> bBottom,
        float weight, ushort white, Span<float> cells)
    {
        var (whites, weights) = (Vector128.Create(white), Vector256.Create(weight));
        var i = 0;
        for (; i <= aTop.Length - Vector128<ushort>.Count; i += Vector128<ushort>.Count)
        {
            var top = Blend(aTop, bTop, i, whites, weights);
            var bottom = Blend(aBottom, bBottom, i, whites, weights);
            // Pairs of floats of the two rows take turns: t0 t1 t2 t3, b0 b1 b2 b3 → t0 b0 t1 b1, t2 b2 t3 b3.
            ref var cell = ref cells[2 * i];
            Pairs(top.GetLower(), bottom.GetLower()).StoreUnsafe(ref cell);
            Pairs(top.GetUpper(), bottom.GetUpper()).StoreUnsafe(ref cell, 8);
        }
        for (; i < aTop.Length; i += 2)
        {
            for (var k = 0; k < 2; k++)
            {
                cells[2 * i + k] = Blend(aTop[i + k], bTop[i + k], white, weight);
                cells[2 * i + 2 + k] = Blend(aBottom[i + k], bBottom[i + k], white, weight);
            }
        }
    }

    private static Vector256<float> Blend(
        ReadOnlySpan<ushort> a, ReadOnlySpan<ushort> b, int i, Vector128<ushort> whites, Vector256<float> weights)
    {
        var from = ToFloats(Vector128.Min(Vector128.LoadUnsafe(in a[i]), whites));
        var to = ToFloats(Vector128.Min(Vector128.LoadUnsafe(in b[i]), whites));
        return Vector256.FusedMultiplyAdd(to - from, weights, from);
    }

    private static float Blend(ushort a, ushort b, ushort white, float weight)
    {
        float from = Math.Min(a, white), to = Math.Min(b, white);
        return from + (to - from) * weight;
    }

    private static Vector256<float> ToFloats(Vector128<ushort> values) =>
        Vector256.ConvertToSingle(Vector256.WidenLower(values.ToVector256Unsafe()).AsInt32());

    private static Vector256<float> Pairs(Vector128<float> top, Vector128<float> bottom) => Vector256.Shuffle(
        Vector256.Create(top, bottom).AsDouble(), Vector256.Create(0L, 2, 1, 3)).AsSingle();

    /// <summary>
    /// Where each output sample reads, by PyTorch's rule in its own float32: source = max(0, scale · (i + 0.5) − 0.5), first = ⌊source⌋.
    /// </summary>
    internal sealed record Taps(int[] First, float[] Weight, int Length)
    {
        public static Taps For(int from, int to)
        {
            var (first, weight) = (new int[to], new float[to]);
            var scale = (float)from / to;
            for (var i = 0; i < to; i++)
            {
                var source = Math.Max(0, scale * (i + 0.5f) - 0.5f);
                first[i] = Math.Min((int)source, from - 1);
                weight[i] = first[i] == from - 1 ? 0 : source - first[i];
            }
            return new Taps(first, weight, from);
        }

        public int Second(int i) => Math.Min(First[i] + 1, Length - 1);
    }

    // Interpolates along a row of cells and maps each cell to colour, four pixels at a time.
    private readonly struct CellToColor(Geometry.Vector3[] byPlace, Geometry.Vector3 offset)
    {
        private readonly (float X, float Y, float Z)[] _weights =
            [.. byPlace.Append(offset).Select(v => ((float)v.X, (float)v.Y, (float)v.Z))];

        public void Run(ReadOnlySpan<float> cells, Taps columns, Span<float> pixels, int start, int plane)
        {
            var ((ax, ay, az), (bx, by, bz), (cx, cy, cz), (dx, dy, dz), (ox, oy, oz)) =
                (_weights[0], _weights[1], _weights[2], _weights[3], _weights[4]);
            var (first, weight) = (columns.First, columns.Weight);
            Span<float> x = pixels.Slice(start, first.Length), y = pixels.Slice(start + plane, first.Length);
            var z = pixels.Slice(start + 2 * plane, first.Length);
            var i = 0;
            for (; i <= first.Length - 4; i += 4)
            {
                var (a, b, c, d) = Transpose(
                    Between(cells, first[i], weight[i]), Between(cells, first[i + 1], weight[i + 1]),
                    Between(cells, first[i + 2], weight[i + 2]), Between(cells, first[i + 3], weight[i + 3]));
                Dot(a, ax, b, bx, c, cx, d, dx, ox).StoreUnsafe(ref x[i]);
                Dot(a, ay, b, by, c, cy, d, dy, oy).StoreUnsafe(ref y[i]);
                Dot(a, az, b, bz, c, cz, d, dz, oz).StoreUnsafe(ref z[i]);
            }
            for (; i < first.Length; i++)
            {
                var cell = Between(cells, first[i], weight[i]);
                x[i] = cell[0] * ax + cell[1] * bx + cell[2] * cx + cell[3] * dx + ox;
                y[i] = cell[0] * ay + cell[1] * by + cell[2] * cy + cell[3] * dy + oy;
                z[i] = cell[0] * az + cell[1] * bz + cell[2] * cz + cell[3] * dz + oz;
            }
        }

        // Between cell `first` and the next.
        private static Vector128<float> Between(ReadOnlySpan<float> cells, int first, float weight)
        {
            ref readonly var here = ref cells.Slice(4 * first, 8)[0];
            var (a, b) = (Vector128.LoadUnsafe(in here), Vector128.LoadUnsafe(in here, 4));
            return Vector128.FusedMultiplyAdd(b - a, Vector128.Create(weight), a);
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
