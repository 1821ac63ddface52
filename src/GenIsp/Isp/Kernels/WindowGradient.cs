using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using GenIsp.Isp.Fused;
using static TorchSharp.torch;

namespace GenIsp.Isp.Kernels;

/// <summary>The gradient of a 3×3 window's weights: how an image and its result's gradient go together, for each of nine shifts.</summary>
internal static unsafe class WindowGradient
{
    /// <summary>Of a window without strides on an image with one pixel of zeros around.</summary>
    /// <param name="image">[N, in, H, W], float32, channels-last, on the processor.</param>
    /// <param name="gradient">[N, out, H, W], of the result; out is a multiple of 32.</param>
    /// <returns>The weights' [out, in, 3, 3], and the bias's [out].</returns>
    public static (Tensor Weight, Tensor Bias) Of(Tensor image, Tensor gradient) =>
        Vector512.IsHardwareAccelerated ? Of<Simd512, Vector512<float>>(image, gradient)
            : Vector256.IsHardwareAccelerated ? Of<Simd256, Vector256<float>>(image, gradient)
            : Of<Simd128, Vector128<float>>(image, gradient);

    /// <summary>The same for one width of vectors.</summary>
    internal static (Tensor Weight, Tensor Bias) Of<TSimd, TVector>(Tensor image, Tensor gradient)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        if (gradient.shape[1] % Panels<TSimd, TVector>.Width != 0)
            throw new ArgumentException($"{gradient.shape[1]} outputs fill no pairs of vectors.", nameof(gradient));
        using var scope = NewDisposeScope();
        var (values, outer) = (Pixels.ChannelsLast(image), Pixels.ChannelsLast(gradient));
        Pixels from = new(values), to = new(outer);
        var (height, width) = ((int)image.shape[2], (int)image.shape[3]);
        var work = new WindowGradient<TSimd, TVector>(from.Channels, to.Channels, height, width);
        var bands = (height + WindowGradient<TSimd, TVector>.Band - 1) / WindowGradient<TSimd, TVector>.Band;
        var parts = new float[from.Pictures * bands][];
        Planes.ForEach(parts.Length, i =>
        {
            var (picture, band) = Math.DivRem(i, bands);
            parts[i] = work.OfBand(from.At(picture, 0), to.At(picture, 0), band * WindowGradient<TSimd, TVector>.Band);
        });
        var sum = new double[parts[0].Length];
        foreach (var part in parts)
        {
            for (var i = 0; i < sum.Length; i++)
                sum[i] += part[i];
        }
        var all = tensor(Array.ConvertAll(sum, value => (float)value));
        var (rows, outputs) = (3 * 3 * from.Channels, to.Channels);
        var weight = all[..(rows * outputs)].view(3, 3, from.Channels, outputs).permute(3, 2, 0, 1).contiguous();
        return scope.MoveToOuter(weight, all[(rows * outputs)..].clone());
    }
}

/// <summary>A part of the picture.</summary>
internal readonly unsafe struct WindowGradient<TSimd, TVector>(int inputs, int outputs, int height, int width)
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <summary>Rows whose products are summed in float32.</summary>
    public const int Band = 16;

    // So many columns, with their surroundings and their gradients, stay in the caches.
    private const int Columns = 96;

    /// <summary>Of some rows of the result.</summary>
    /// <param name="image">[H, W, in].</param>
    /// <param name="gradient">[H, W, out].</param>
    /// <param name="top">The first of the rows.</param>
    /// <returns>[3, 3, in, out] of the weights, then [out] of the bias.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public float[] OfBand(float* image, float* gradient, int top)
    {
        // Three pixels' channels side by side: those a row of the window covers.
        int row = 3 * inputs, padded = Panels<TSimd, TVector>.PaddedRows(row);
        var line = (Columns + 2) * inputs + padded;
        using var scratch = new Scratch(3 * line, 3 * padded * outputs, outputs);
        float* lines = scratch.Take(3 * line), sums = scratch.Take(3 * padded * outputs), bias = scratch.Take(outputs);
        new Span<float>(lines, 3 * line).Clear();
        new Span<float>(sums, 3 * padded * outputs).Clear();
        new Span<float>(bias, outputs).Clear();
        var offsets = stackalloc int[Columns];
        for (var i = 0; i < Columns; i++)
            offsets[i] = i * inputs;
        var bottom = Math.Min(top + Band, height);
        for (var left = 0; left < width; left += Columns)
        {
            var count = Math.Min(Columns, width - left);
            Copy(image, top - 1, left, lines + (top + 2) % 3 * line);
            Copy(image, top, left, lines + top % 3 * line);
            for (var y = top; y < bottom; y++)
            {
                Copy(image, y + 1, left, lines + (y + 1) % 3 * line);
                var outer = gradient + ((nint)y * width + left) * outputs;
                for (var down = 0; down < 3; down++)
                {
                    var sum = sums + down * padded * outputs;
                    Products<TSimd, TVector>.Run(
                        lines + (y + down + 2) % 3 * line, 1, row, offsets, count, outer, outputs, sum, 1, sum, outputs, outputs);
                }
                for (var i = 0; i < count; i++)
                {
                    for (var output = 0; output < outputs; output += TSimd.Count)
                        TSimd.Store(TSimd.Add(TSimd.Load(bias + output), TSimd.Load(outer + i * outputs + output)), bias + output);
                }
            }
        }
        var result = new float[3 * row * outputs + outputs];
        for (var down = 0; down < 3; down++)
            new ReadOnlySpan<float>(sums + down * padded * outputs, row * outputs).CopyTo(result.AsSpan(down * row * outputs));
        new ReadOnlySpan<float>(bias, outputs).CopyTo(result.AsSpan(3 * row * outputs));
        return result;
    }

    // Pixels of a row from one to the left on, with zeros beyond the image.
    private void Copy(float* image, int y, int left, float* to)
    {
        var all = new Span<float>(to, (Columns + 2) * inputs);
        all.Clear();
        if (y < 0 || y >= height)
            return;
        int start = Math.Max(0, left - 1), end = Math.Min(width, left + Columns + 1);
        new ReadOnlySpan<float>(image + ((nint)y * width + start) * inputs, (end - start) * inputs).CopyTo(all[((start - left + 1) * inputs)..]);
    }
}
