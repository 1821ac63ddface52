using System.Runtime.CompilerServices;
using GenIsp.Isp.Fused;
using static TorchSharp.torch;

namespace GenIsp.Isp.Kernels;

/// <summary>Each channel with a window of its own: of every place, the pixels that the window covers times its weights, side by side.</summary>
internal sealed unsafe class DepthwiseKernel<TSimd, TVector> : SimdKernel<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    // Places whose sums are made at once.
    private const int Together = 4;

    private readonly Axis _down;
    private readonly Axis _right;
    private readonly float* _weights;
    private readonly float* _bias;
    private readonly ConvolutionGeometry? _turned;
    private DepthwiseKernel<TSimd, TVector>? _back;

    /// <param name="weight">[channels, 1, height, width].</param>
    /// <param name="bias">[channels], or null.</param>
    /// <param name="geometry">Where the window stands, as <see cref="Takes"/> allows.</param>
    public DepthwiseKernel(Tensor weight, Tensor? bias, ConvolutionGeometry geometry)
        : base(weight, geometry)
    {
        _down = new((int)weight.shape[2], (int)geometry.Strides[0], (int)geometry.Padding[0]);
        _right = new((int)weight.shape[3], (int)geometry.Strides[1], (int)geometry.Padding[1]);
        _turned = geometry.Turned(_down.Size, _right.Size);
        using var taps = weight.permute(2, 3, 1, 0);
        using var inOrder = Ordered(taps);
        var count = checked((int)inOrder.numel());
        _weights = Allocate(count);
        new ReadOnlySpan<float>(inOrder.Pointer<float>(), count).CopyTo(new Span<float>(_weights, count));
        _bias = StartOf(bias, Padded);
    }

    /// <summary>Whether it is made for such a convolution.</summary>
    /// <param name="weight">[out, in / groups, height, width].</param>
    /// <param name="geometry">Where the window stands.</param>
    public static bool Takes(Tensor weight, ConvolutionGeometry geometry) =>
        geometry.Dilation is [1, 1] && weight.shape is [var outputs, 1, _, _] && outputs == geometry.Groups && outputs >= TSimd.Count
        && weight.numel() <= Array.MaxLength;

    public override void Run(Pixels image, float* addend, Activation activation, void* kept, Pixels result)
    {
        var epilogue = new Epilogue<TSimd, TVector>(addend, activation, kept);
        // Where a row's numbers fill no vectors, no vector of a row is one of the whole result.
        var row = (nint)result.Width * Outputs;
        var isAtOnce = row % TSimd.Count == 0;
        var to = result.At(0, 0);
        Planes.ForEach(checked(result.Pictures * result.Height), Operations(result.Width), line =>
        {
            var (picture, y) = Math.DivRem(line, result.Height);
            Row(image.At(picture, 0), image.Height, image.Width, y, to + line * row, result.Width);
            if (isAtOnce && !epilogue.IsEmpty)
                epilogue.Apply(to + line * row, line * row, row);
        });
        if (!isAtOnce)
            Apply(epilogue, result);
    }

    // Without strides, it is a convolution with the turned windows.
    private protected override void MakeBack()
    {
        if (_turned is not null)
            _back = Own(new DepthwiseKernel<TSimd, TVector>(Weight.flip(2, 3), null, _turned));
    }

    private protected override void RunPreparedBack(Pixels gradient, Pixels result)
    {
        if (_back is not null)
        {
            _back.Run(gradient, null, default, null, result);
            return;
        }
        Planes.ForEach(checked(result.Pictures * result.Height), Operations(result.Width), line =>
        {
            var (picture, y) = Math.DivRem(line, result.Height);
            RowBack(gradient.At(picture, 0), gradient.Height, gradient.Width, y, result.At(picture, y * result.Width), result.Width);
        });
    }

    // Of a row; each loads two numbers.
    private long Operations(int width) => 4L * width * Outputs * _down.Size * _right.Size;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Row(float* image, int height, int width, int y, float* result, int madeWidth)
    {
        var (top, bottom) = _down.Covered(y, height);
        var from = image + (nint)(y * _down.Stride - _down.Padding) * width * Outputs;
        for (var x = 0; x < madeWidth;)
        {
            var together = x + Together <= madeWidth && _right.IsInside(x, width) && _right.IsInside(x + Together - 1, width) ? Together : 1;
            var left = from + (nint)(x * _right.Stride - _right.Padding) * Outputs;
            for (var i = 0; i < Outputs; i += TSimd.Count)
            {
                // The last vector may begin within the one before it.
                var channel = Math.Min(i, Outputs - TSimd.Count);
                if (together == 1)
                    One(left + channel, width, channel, top, bottom, _right.Covered(x, width), result + channel);
                else
                    Four(left + channel, width, channel, top, bottom, result + channel);
            }
            x += together;
            result += together * Outputs;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void One(float* image, int width, int channel, int top, int bottom, (int First, int End) covered, float* result)
    {
        nint channels = Outputs;
        var sum = TSimd.Load(_bias + channel);
        for (var row = top; row < bottom; row++)
        {
            var value = image + ((nint)row * width + covered.First) * channels;
            var weight = _weights + (row * _right.Size + covered.First) * channels + channel;
            for (var column = covered.First; column < covered.End; column++, value += channels, weight += channels)
                sum = TSimd.MultiplyAdd(TSimd.Load(value), TSimd.Load(weight), sum);
        }
        TSimd.Store(sum, result);
    }

    // Neighbouring places, where the whole window lies on the image: each weight is loaded once, and no sum waits for itself.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Four(float* image, int width, int channel, int top, int bottom, float* result)
    {
        nint channels = Outputs, step = _right.Stride * channels;
        TVector a = TSimd.Load(_bias + channel), b = a, c = a, d = a;
        for (var row = top; row < bottom; row++)
        {
            var value = image + (nint)row * width * channels;
            var weight = _weights + row * _right.Size * channels + channel;
            for (var column = 0; column < _right.Size; column++, value += channels, weight += channels)
            {
                var w = TSimd.Load(weight);
                a = TSimd.MultiplyAdd(TSimd.Load(value), w, a);
                b = TSimd.MultiplyAdd(TSimd.Load(value + step), w, b);
                c = TSimd.MultiplyAdd(TSimd.Load(value + 2 * step), w, c);
                d = TSimd.MultiplyAdd(TSimd.Load(value + 3 * step), w, d);
            }
        }
        TSimd.Store(a, result);
        TSimd.Store(b, result + channels);
        TSimd.Store(c, result + 2 * channels);
        TSimd.Store(d, result + 3 * channels);
    }

    // Of all places whose window covers a pixel, what came of it.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RowBack(float* gradient, int height, int width, int y, float* result, int madeWidth)
    {
        int channels = Outputs, columns = _right.Size;
        var (top, bottom) = _down.Covering(y, height);
        for (var x = 0; x < madeWidth; x++, result += channels)
        {
            var (first, end) = _right.Covering(x, width);
            for (var i = 0; i < channels; i += TSimd.Count)
            {
                var channel = Math.Min(i, channels - TSimd.Count);
                var sum = TSimd.Create(0);
                for (var down = top; down < bottom; down++)
                {
                    var row = y + _down.Padding - down * _down.Stride;
                    for (var right = first; right < end; right++)
                    {
                        var column = x + _right.Padding - right * _right.Stride;
                        sum = TSimd.MultiplyAdd(
                            TSimd.Load(gradient + ((nint)down * width + right) * channels + channel),
                            TSimd.Load(_weights + (row * columns + column) * channels + channel), sum);
                    }
                }
                TSimd.Store(sum, result + channel);
            }
        }
    }

    // The window along one axis.
    private readonly record struct Axis(int Size, int Stride, int Padding)
    {
        /// <summary>The part of the window, from a first pixel to before a last, that lies on an image so long.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public (int First, int End) Covered(int place, int length)
        {
            var start = place * Stride - Padding;
            return (Math.Max(0, -start), Math.Min(Size, length - start));
        }

        /// <summary>Whether all of it does.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool IsInside(int place, int length) => place * Stride >= Padding && place * Stride - Padding + Size <= length;

        /// <summary>The places, of so many, whose window covers a pixel.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public (int First, int End) Covering(int pixel, int places)
        {
            var last = pixel + Padding;
            // place · stride ≥ last − size + 1, and ≤ last.
            return (Math.Max(0, (last - Size + Stride) / Stride), Math.Min(places, last / Stride + 1));
        }
    }
}
