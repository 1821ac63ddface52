using System.Runtime.InteropServices;
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
        var pixels = new float[3 * size.Width * size.Height];
        var weights = color.ByPlace(sensor.Cfa);
        var kernel = new CellToColor(weights, color.Offset);

        Parallel.For(
            0, size.Height,
            // A cell more than the row has, so that the last column's second tap (whose weight is 0) reads something.
            () => (Top: new float[cells + 2], Bottom: new float[cells + 2]),
            (y, _, buffer) =>
            {
                ReadOnlySpan<ushort> Row(int row) => sensor.Mosaic.Span.Slice((crop.Y + row) * sensor.Width + crop.X, cells);
                var (first, second, weight) = (2 * rows.First[y], 2 * rows.Second(y), rows.Weight[y]);
                BlendRows(Row(first), Row(second), weight, white, buffer.Top);
                BlendRows(Row(first + 1), Row(second + 1), weight, white, buffer.Bottom);
                kernel.Run(buffer.Top, buffer.Bottom, columns, pixels, y * size.Width, size.Width * size.Height);
                return buffer;
            },
            _ => { });
        return pixels;
    }

    // min(a, white) · (1 − weight) + min(b, white) · weight.
    private static void BlendRows(ReadOnlySpan<ushort> a, ReadOnlySpan<ushort> b, float weight, ushort white, Span<float> result)
    {
        var (whites, weights) = (Vector256.Create(white), Vector256.Create(weight));
        var i = 0;
        for (; i <= a.Length - Vector256<ushort>.Count; i += Vector256<ushort>.Count)
        {
            var (aLow, aHigh) = ToFloats(Vector256.Min(Vector256.LoadUnsafe(in a[i]), whites));
            var (bLow, bHigh) = ToFloats(Vector256.Min(Vector256.LoadUnsafe(in b[i]), whites));
            Vector256.FusedMultiplyAdd(bLow - aLow, weights, aLow).StoreUnsafe(ref result[i]);
            Vector256.FusedMultiplyAdd(bHigh - aHigh, weights, aHigh).StoreUnsafe(ref result[i + Vector256<float>.Count]);
        }
        for (; i < a.Length; i++)
        {
            float from = Math.Min(a[i], white), to = Math.Min(b[i], white);
            result[i] = from + (to - from) * weight;
        }
    }

    private static (Vector256<float> Low, Vector256<float> High) ToFloats(Vector256<ushort> values)
    {
        var (low, high) = Vector256.Widen(values);
        return (Vector256.ConvertToSingle(low.AsInt32()), Vector256.ConvertToSingle(high.AsInt32()));
    }

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

        public void Run(ReadOnlySpan<float> top, ReadOnlySpan<float> bottom, Taps columns, Span<float> pixels, int start, int plane)
        {
            var ((ax, ay, az), (bx, by, bz), (cx, cy, cz), (dx, dy, dz), (ox, oy, oz)) =
                (_weights[0], _weights[1], _weights[2], _weights[3], _weights[4]);
            var (first, weight) = (columns.First, columns.Weight);
            Span<float> x = pixels.Slice(start, first.Length), y = pixels.Slice(start + plane, first.Length);
            var z = pixels.Slice(start + 2 * plane, first.Length);
            ref var topCell = ref MemoryMarshal.GetReference(top);
            ref var bottomCell = ref MemoryMarshal.GetReference(bottom);
            var i = 0;
            for (; i <= first.Length - 4; i += 4)
            {
                var (a, b, c, d) = Transpose(
                    Cell(ref topCell, ref bottomCell, first[i], weight[i]),
                    Cell(ref topCell, ref bottomCell, first[i + 1], weight[i + 1]),
                    Cell(ref topCell, ref bottomCell, first[i + 2], weight[i + 2]),
                    Cell(ref topCell, ref bottomCell, first[i + 3], weight[i + 3]));
                Dot(a, ax, b, bx, c, cx, d, dx, ox).StoreUnsafe(ref x[i]);
                Dot(a, ay, b, by, c, cy, d, dy, oy).StoreUnsafe(ref y[i]);
                Dot(a, az, b, bz, c, cz, d, dz, oz).StoreUnsafe(ref z[i]);
            }
            for (; i < first.Length; i++)
            {
                var cell = Cell(ref topCell, ref bottomCell, first[i], weight[i]);
                x[i] = cell[0] * ax + cell[1] * bx + cell[2] * cx + cell[3] * dx + ox;
                y[i] = cell[0] * ay + cell[1] * by + cell[2] * cy + cell[3] * dy + oy;
                z[i] = cell[0] * az + cell[1] * bz + cell[2] * cz + cell[3] * dz + oz;
            }
        }

        // [top left, top right, bottom left, bottom right] between cell `first` and the next: four neighbouring floats a row.
        private static Vector128<float> Cell(ref float top, ref float bottom, int first, float weight)
        {
            var upper = Vector128.LoadUnsafe(ref top, (nuint)(2 * first));
            var lower = Vector128.LoadUnsafe(ref bottom, (nuint)(2 * first));
            var here = Vector128.Create(upper.GetLower(), lower.GetLower());
            var next = Vector128.Create(upper.GetUpper(), lower.GetUpper());
            return here + (next - here) * weight;
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
            Vector128<float> a, float wa, Vector128<float> b, float wb, Vector128<float> c, float wc, Vector128<float> d, float wd, float o) =>
            Vector128.FusedMultiplyAdd(a, Vector128.Create(wa), Vector128.FusedMultiplyAdd(b, Vector128.Create(wb),
                Vector128.FusedMultiplyAdd(c, Vector128.Create(wc), Vector128.FusedMultiplyAdd(d, Vector128.Create(wd), Vector128.Create(o)))));
    }
}
