using System.Runtime.CompilerServices;
using GenIsp.Isp.Fused;
using static TorchSharp.torch;

namespace GenIsp.Isp.Kernels;

/// <summary>
/// A 3×3 window without strides by Winograd's F(4×4, 3×3), a quarter of the direct convolution's products: of a block of tiles, transforms
/// [36, tiles, in], 36 products [36, tiles, out], and transforms back.
/// </summary>
internal sealed unsafe class WinogradKernel<TSimd, TVector> : SimdKernel<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    private const int Tile = WinogradTiles<TSimd, TVector>.Tile, Reach = WinogradTiles<TSimd, TVector>.Reach;

    private const int Positions = WinogradTiles<TSimd, TVector>.Positions;

    // As many tiles as channels, for then weights and tiles are read about as often; but scratch is 36 times this.
    private const int MostTiles = 256;

    // So that the positions of a block do not all fall on the same few lines of a cache.
    private const int Apart = 16;

    private readonly int _padding;
    private readonly ConvolutionGeometry _turned;
    private readonly float* _panels;
    private readonly float* _zeros;
    private readonly float* _bias;
    private WinogradKernel<TSimd, TVector>? _back;

    /// <param name="weight">[out, in, 3, 3].</param>
    /// <param name="bias">[out], or null.</param>
    /// <param name="geometry">Where the window stands, as <see cref="Takes"/> allows.</param>
    public WinogradKernel(Tensor weight, Tensor? bias, ConvolutionGeometry geometry)
        : base(weight, geometry)
    {
        _padding = (int)geometry.Padding[0];
        _turned = geometry.Turned(3, 3)!;
        using var inOrder = Ordered(weight);
        using var transformed = empty(Positions, Inputs, Outputs, dtype: ScalarType.Float32);
        var (numbers, count) = ((nint)transformed.Pointer<float>(), Inputs * Outputs);
        WinogradWeights.Transform(
            new ReadOnlySpan<float>(inOrder.Pointer<float>(), 9 * count), Outputs, new Span<float>((float*)numbers, Positions * count));
        var (size, panels) = (Inputs * Padded, (nint)Allocate(Positions * Inputs * Padded));
        Planes.ForEach(Positions, position => Panels<TSimd, TVector>.Pack(
            new ReadOnlySpan<float>((float*)numbers + position * count, count), Inputs, Outputs,
            new Span<float>((float*)panels + position * size, size)));
        _panels = (float*)panels;
        _zeros = StartOf(null, Padded);
        _bias = StartOf(bias, Padded);
    }

    /// <summary>Whether it is made for such a convolution.</summary>
    /// <param name="weight">[out, in / groups, height, width].</param>
    /// <param name="geometry">Where the window stands.</param>
    public static bool Takes(Tensor weight, ConvolutionGeometry geometry) =>
        geometry is { Groups: 1, Strides: [1, 1], Dilation: [1, 1], Padding: [var y, var x] } && y == x && y is >= 0 and <= 2
        && weight.shape is [var outputs, var inputs, 3, 3] && outputs >= TSimd.Count && inputs >= TSimd.Count
        && (outputs + Panels<TSimd, TVector>.Width) * inputs * Positions <= Array.MaxLength;

    public override void Run(Pixels image, float* addend, Activation activation, void* kept, Pixels result)
    {
        var epilogue = new Epilogue<TSimd, TVector>(addend, activation, kept);
        // Where a pixel's channels fill no vectors, no vector of a pixel is one of the whole result.
        var isAtOnce = Outputs % TSimd.Count == 0 && epilogue.IsByVector;
        for (var i = 0; i < image.Pictures; i++)
        {
            Run(new Plane(image.At(i, 0), image.Height, image.Width, Inputs),
                new Plane(result.At(i, 0), result.Height, result.Width, Outputs),
                isAtOnce ? epilogue : default, (nint)i * result.Size * Outputs);
        }
        if (!isAtOnce)
            Apply(epilogue, result);
    }

    private protected override void MakeBack() =>
        _back = Own(new WinogradKernel<TSimd, TVector>(Weight.transpose(0, 1).flip(2, 3), null, _turned));

    private protected override void RunPreparedBack(Pixels gradient, Pixels result) => _back!.Run(gradient, null, default, null, result);

    private void Run(Plane image, Plane result, Epilogue<TSimd, TVector> epilogue, nint place)
    {
        var (rows, columns) = ((result.Height + Tile - 1) / Tile, (result.Width + Tile - 1) / Tile);
        var (tiles, threads) = (rows * columns, get_num_threads());
        var most = Math.Min(Inputs, MostTiles) * threads;
        var blocks = threads * ((tiles + most - 1) / most);
        var together = Panels<TSimd, TVector>.PaddedRows((tiles + blocks - 1) / blocks, Padded);
        Planes.ForEach((tiles + together - 1) / together, block =>
        {
            var first = block * together;
            Run(image, result, epilogue, place, first, Math.Min(together, tiles - first), columns);
        });
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Run(
        Plane image, Plane result, Epilogue<TSimd, TVector> epilogue, nint place, int first, int tiles, int columns)
    {
        var rows = Panels<TSimd, TVector>.PaddedRows(tiles, Padded);
        int step = rows * Inputs + Apart, resultStep = rows * Padded + Apart;
        using var scratch = new Scratch(Positions * step, Positions * resultStep, Positions * Inputs, Positions * TSimd.Count);
        float* input = scratch.Take(Positions * step), output = scratch.Take(Positions * resultStep);
        float* patch = scratch.Take(Positions * Inputs), half = scratch.Take(Positions * TSimd.Count);
        for (var tile = 0; tile < tiles; tile++)
        {
            var (y, x) = Math.DivRem(first + tile, columns);
            WinogradTiles<TSimd, TVector>.TransformInput(image, Tile * y - _padding, Tile * x - _padding, patch, half, input + tile * Inputs, step);
        }
        for (var position = 0; position < Positions; position++)
        {
            Panels<TSimd, TVector>.Multiply(
                input + position * step, Inputs, rows, _panels + (nint)position * Inputs * Padded, Inputs, 0, Inputs, Padded,
                position == WinogradWeights.Everywhere ? _bias : _zeros, output + position * resultStep, Padded);
        }
        for (var tile = 0; tile < tiles; tile++)
        {
            var (y, x) = Math.DivRem(first + tile, columns);
            TransformOutput(output + tile * Padded, resultStep, half, result, Tile * y, Tile * x, epilogue, place);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransformOutput(
        float* products, int step, float* half, Plane result, int y, int x, Epilogue<TSimd, TVector> epilogue, nint place)
    {
        int n = TSimd.Count, channels = result.Channels;
        int height = Math.Min(Tile, result.Height - y), width = Math.Min(Tile, result.Width - x);
        for (var i = 0; i < channels; i += n)
        {
            var channel = Math.Min(i, channels - n);
            Prefetch.Tile(result.At(y, x + Tile) + channel, result.Width * channels, channels, height);
            Winograd<TSimd, TVector>.TransformColumns(products + channel, step, half);
            for (var row = 0; row < height; row++)
            {
                Winograd<TSimd, TVector>.TransformRow(half + row * Reach * n, out var y0, out var y1, out var y2, out var y3);
                var to = result.At(y + row, x) + channel;
                var at = place + (nint)(to - result.At(0, 0));
                TSimd.Store(epilogue.Of(y0, at), to);
                if (width > 1)
                    TSimd.Store(epilogue.Of(y1, at + channels), to + channels);
                if (width > 2)
                    TSimd.Store(epilogue.Of(y2, at + 2 * channels), to + 2 * channels);
                if (width > 3)
                    TSimd.Store(epilogue.Of(y3, at + 3 * channels), to + 3 * channels);
            }
        }
    }
}
