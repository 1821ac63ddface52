using System.Runtime.CompilerServices;
using GenIsp.Isp.Fused;

namespace GenIsp.Isp.Kernels;

/// <summary>
/// <see cref="WindowGradient{TSimd, TVector}"/> of a 3×3 window by Winograd's F(3×3, 4×4): 36 products for 16 pixels instead of 144. They are
/// summed over tiles before the last transform.
/// </summary>
internal readonly unsafe struct WinogradGradient<TSimd, TVector>(int inputs, int outputs, int height, int width)
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    private const int Tile = WinogradTiles<TSimd, TVector>.Tile, Positions = WinogradTiles<TSimd, TVector>.Positions;

    // Of all channels at a position of a block of tiles: 36 times that stays in the second cache.
    private const int Together = 4096;

    /// <summary>Whether channels fill vectors as the sums need it.</summary>
    public static bool Takes(int inputs) => Panels<TSimd, TVector>.PaddedColumns(inputs) == inputs;

    /// <inheritdoc cref="WindowGradient{TSimd, TVector}.OfBand"/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void OfBand(float* image, float* gradient, int top, float* result)
    {
        Plane from = new(image, height, width, inputs), outer = new(gradient, height, width, outputs);
        var across = (width + Tile - 1) / Tile;
        var tiles = (Math.Min(WindowGradient.Band, height - top) + Tile - 1) / Tile * across;
        var block = Math.Max(1, Together / (inputs + outputs));
        var rows = Panels<TSimd, TVector>.PaddedRows(outputs, inputs);
        int step = block * inputs, outerStep = block * outputs, sumStep = rows * inputs;
        int patchSize = Positions * Math.Max(inputs, outputs), halfSize = Positions * TSimd.Count;
        using var scratch = new Scratch(Positions * step, Positions * outerStep + rows, Positions * sumStep, patchSize, halfSize);
        float* values = scratch.Take(Positions * step), filters = scratch.Take(Positions * outerStep + rows);
        float* sums = scratch.Take(Positions * sumStep), patch = scratch.Take(patchSize), half = scratch.Take(halfSize);
        var bias = result + 9 * inputs * outputs;
        new Span<float>(sums, Positions * sumStep).Clear();
        new Span<float>(bias, outputs).Clear();
        var offsets = stackalloc int[block];
        for (var i = 0; i < block; i++)
            offsets[i] = i * outputs;
        for (var first = 0; first < tiles; first += block)
        {
            var count = Math.Min(block, tiles - first);
            for (var tile = 0; tile < count; tile++)
            {
                var (down, right) = Math.DivRem(first + tile, across);
                int y = top + Tile * down, x = Tile * right;
                WinogradTiles<TSimd, TVector>.TransformInput(from, y - 1, x - 1, patch, half, values + tile * inputs, step);
                WinogradTiles<TSimd, TVector>.TransformFilter(outer, y, x, patch, half, filters + tile * outputs, outerStep);
            }
            for (var position = 0; position < Positions; position++)
            {
                var sum = sums + position * sumStep;
                Products<TSimd, TVector>.Run(
                    filters + position * outerStep, 1, outputs, offsets, count, values + position * step, inputs, sum, 1, sum, inputs, inputs);
            }
            // At the point 1 of both axes, a tile is the sum of its pixels.
            AddRows(filters + WinogradWeights.Everywhere * outerStep, count, bias);
        }
        var nine = half + 18 * TSimd.Count;
        for (var output = 0; output < outputs; output++)
        {
            for (var input = 0; input < inputs; input += TSimd.Count)
            {
                WinogradTiles<TSimd, TVector>.TransformWeights(sums + output * inputs + input, sumStep, half, nine);
                for (var i = 0; i < 9 * TSimd.Count; i++)
                    result[(i / TSimd.Count * inputs + input + i % TSimd.Count) * outputs + output] = nine[i];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AddRows(float* rows, int count, float* sums)
    {
        for (var output = 0; output < outputs; output += TSimd.Count)
        {
            var sum = TSimd.Load(sums + output);
            for (var row = 0; row < count; row++)
                sum = TSimd.Add(sum, TSimd.Load(rows + row * outputs + output));
            TSimd.Store(sum, sums + output);
        }
    }
}
