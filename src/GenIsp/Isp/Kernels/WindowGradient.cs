using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using GenIsp.Isp.Fused;
using static TorchSharp.torch;

namespace GenIsp.Isp.Kernels;

/// <summary>The gradient of a window's weights: how an image and its result's gradient go together, for each shift in the window.</summary>
internal static unsafe class WindowGradient
{
    /// <summary>Rows whose products are summed in float32.</summary>
    public const int Band = 16;

    /// <summary>Of a square window without strides, on an image with so many zeros around that the result has its size.</summary>
    /// <param name="image">[N, in, H, W], float32, channels-last, on the processor.</param>
    /// <param name="gradient">[N, out, H, W], of the result; out is 16 or a multiple of 32.</param>
    /// <param name="size">The window's side, an odd number.</param>
    /// <returns>The weights' [out, in, size, size], and the bias's [out].</returns>
    public static (Tensor Weight, Tensor Bias) Of(Tensor image, Tensor gradient, int size) =>
        Vector512.IsHardwareAccelerated ? Of<Simd512, Vector512<float>>(image, gradient, size)
            : Vector256.IsHardwareAccelerated ? Of<Simd256, Vector256<float>>(image, gradient, size)
            : Of<Simd128, Vector128<float>>(image, gradient, size);

    /// <summary>The same for one width of vectors.</summary>
    internal static (Tensor Weight, Tensor Bias) Of<TSimd, TVector>(Tensor image, Tensor gradient, int size)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        if (Panels<TSimd, TVector>.PaddedColumns((int)gradient.shape[1]) != gradient.shape[1])
            throw new ArgumentException($"{gradient.shape[1]} outputs do not fill their vectors.", nameof(gradient));
        using var scope = NewDisposeScope();
        var (values, outer) = (Pixels.ChannelsLast(image), Pixels.ChannelsLast(gradient));
        Pixels from = new(values), to = new(outer);
        var (height, width) = ((int)image.shape[2], (int)image.shape[3]);
        var work = new WindowGradient<TSimd, TVector>(from.Channels, to.Channels, size, height, width);
        var winograd = new WinogradGradient<TSimd, TVector>(from.Channels, to.Channels, height, width);
        var isWinograd = size == 3 && WinogradGradient<TSimd, TVector>.Takes(from.Channels);
        var bands = (height + Band - 1) / Band;
        var (rows, outputs) = (size * size * from.Channels, to.Channels);
        var parts = empty(from.Pictures * bands, rows * outputs + outputs, dtype: ScalarType.Float32);
        var first = (nint)parts.Pointer<float>();
        Planes.ForEach(from.Pictures * bands, i =>
        {
            var (picture, band) = Math.DivRem(i, bands);
            float* values = from.At(picture, 0), outers = to.At(picture, 0), part = (float*)first + (nint)i * (rows * outputs + outputs);
            if (isWinograd)
                winograd.OfBand(values, outers, band * Band, part);
            else
                work.OfBand(values, outers, band * Band, part);
        });
        var all = parts.sum([0], type: ScalarType.Float64).to_type(ScalarType.Float32);
        var weight = all[..(rows * outputs)].view(size, size, from.Channels, outputs).permute(3, 2, 0, 1).contiguous();
        return scope.MoveToOuter(weight, all[(rows * outputs)..].clone());
    }
}

/// <summary>A part of the picture.</summary>
internal readonly unsafe struct WindowGradient<TSimd, TVector>(int inputs, int outputs, int size, int height, int width)
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    // So many columns, with their surroundings and their gradients, stay in the caches.
    private const int Columns = 96;

    /// <summary>Of some rows of the result.</summary>
    /// <param name="image">[H, W, in].</param>
    /// <param name="gradient">[H, W, out].</param>
    /// <param name="top">The first of the rows.</param>
    /// <param name="result">[size, size, in, out] of the weights, then [out] of the bias.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void OfBand(float* image, float* gradient, int top, float* result)
    {
        // Neighbouring pixels' channels side by side: those a row of the window covers.
        int row = size * inputs, padded = Panels<TSimd, TVector>.PaddedRows(row, outputs), sumsOfRow = padded * outputs;
        var line = (Columns + size - 1) * inputs + padded;
        using var scratch = new Scratch(size * line, size * sumsOfRow, outputs);
        float* lines = scratch.Take(size * line), sums = scratch.Take(size * sumsOfRow), bias = scratch.Take(outputs);
        new Span<float>(lines, size * line).Clear();
        new Span<float>(sums, size * sumsOfRow).Clear();
        new Span<float>(bias, outputs).Clear();
        var offsets = stackalloc int[Columns];
        for (var i = 0; i < Columns; i++)
            offsets[i] = i * inputs;
        var half = size / 2;
        var bottom = Math.Min(top + WindowGradient.Band, height);
        for (var left = 0; left < width; left += Columns)
        {
            var count = Math.Min(Columns, width - left);
            for (var y = top - half; y < top + half; y++)
                Copy(image, y, left, lines + Slot(y) * line);
            for (var y = top; y < bottom; y++)
            {
                Copy(image, y + half, left, lines + Slot(y + half) * line);
                var outer = gradient + ((nint)y * width + left) * outputs;
                for (var down = 0; down < size; down++)
                {
                    var sum = sums + down * sumsOfRow;
                    Products<TSimd, TVector>.Run(
                        lines + Slot(y + down - half) * line, 1, row, offsets, count, outer, outputs, sum, 1, sum, outputs, outputs);
                }
                for (var i = 0; i < count; i++)
                {
                    for (var output = 0; output < outputs; output += TSimd.Count)
                        TSimd.Store(TSimd.Add(TSimd.Load(bias + output), TSimd.Load(outer + i * outputs + output)), bias + output);
                }
            }
        }
        for (var down = 0; down < size; down++, result += row * outputs)
            new ReadOnlySpan<float>(sums + down * sumsOfRow, row * outputs).CopyTo(new Span<float>(result, row * outputs));
        new ReadOnlySpan<float>(bias, outputs).CopyTo(new Span<float>(result, outputs));
    }

    // The rows that the window covers take turns.
    private int Slot(int y) => (y + size) % size;

    // Pixels of a row, from as many to the left as the window reaches, with zeros beyond the image.
    private void Copy(float* image, int y, int left, float* to)
    {
        var all = new Span<float>(to, (Columns + size - 1) * inputs);
        all.Clear();
        if (y < 0 || y >= height)
            return;
        var first = left - size / 2;
        int start = Math.Max(0, first), end = Math.Min(width, first + Columns + size - 1);
        new ReadOnlySpan<float>(image + ((nint)y * width + start) * inputs, (end - start) * inputs).CopyTo(all[((start - first) * inputs)..]);
    }
}
