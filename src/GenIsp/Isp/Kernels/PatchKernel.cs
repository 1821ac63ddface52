using System.Runtime.CompilerServices;
using GenIsp.Isp.Fused;
using static TorchSharp.torch;

namespace GenIsp.Isp.Kernels;

/// <summary>
/// Any window, with or without strides: what it covers at each of its places becomes a row of a matrix, for as many places as stay in the
/// second cache. Back, rows of a product are added to where they came from.
/// </summary>
internal unsafe class PatchKernel<TSimd, TVector> : SimdKernel<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    private const int PlacesTogether = 96;

    // So many numbers of a place are copied at once, in whole rows of the window.
    private const int Depth = 512;

    private readonly Patch _patch;
    private readonly int _rowsTogether;
    private BackPart[]? _back;

    /// <param name="weight">[out, in, height, width].</param>
    /// <param name="bias">[out], or null.</param>
    /// <param name="geometry">Where the window stands, as <see cref="Takes"/> allows.</param>
    public PatchKernel(Tensor weight, Tensor? bias, ConvolutionGeometry geometry)
        : base(weight, geometry)
    {
        Window = new SlidingWindow(weight, geometry);
        _patch = new Patch(Window);
        _rowsTogether = Math.Clamp(Depth / Window.Row, 1, Window.Height);
        using var matrix = weight.permute(2, 3, 1, 0);
        Weights = Pack(matrix, Outputs);
        Start = StartOf(bias, Padded);
    }

    /// <summary>Where it stands.</summary>
    private protected SlidingWindow Window { get; }

    /// <summary>[height, width, in, out], in panels.</summary>
    private protected float* Weights { get; }

    /// <summary>[out], padded: the bias.</summary>
    private protected float* Start { get; }

    /// <summary>Whether it is made for such a convolution: with few outputs, most of a vector would be for nothing.</summary>
    /// <param name="weight">[out, in / groups, height, width].</param>
    /// <param name="geometry">Where the window stands.</param>
    public static bool Takes(Tensor weight, ConvolutionGeometry geometry) =>
        geometry is { Groups: 1, Dilation: [1, 1] } && weight.shape is [var outputs, _, _, _] && outputs >= TSimd.Count
        && weight.numel() / outputs * (outputs + Panels<TSimd, TVector>.Width) <= Array.MaxLength;

    public override void Run(Pixels image, float* addend, Activation activation, void* kept, Pixels result)
    {
        var epilogue = new Epilogue<TSimd, TVector>(addend, activation, kept);
        var places = (long)result.Pictures * result.Size;
        var operations = (long)PlacesTogether * Window.Height * Window.Row * Padded;
        Planes.ForEach(checked((int)((places + PlacesTogether - 1) / PlacesTogether)), operations, chunk =>
        {
            var first = (long)chunk * PlacesTogether;
            Run(image, result, first, (int)Math.Min(PlacesTogether, places - first), epilogue);
        });
    }

    private protected override void MakeBack()
    {
        _back = [.. Enumerable.Range(0, (Window.Height + _rowsTogether - 1) / _rowsTogether).Select(
            part => BackPartOf(part * _rowsTogether, Math.Min(_rowsTogether, Window.Height - part * _rowsTogether)))];
    }

    private protected override void RunPreparedBack(Pixels gradient, Pixels result)
    {
        result.Clear();
        var back = _back!;
        var operations = (long)gradient.Width * Window.Taps * Outputs;
        Planes.ForEachBand(gradient.Pictures, gradient.Height, Window.Height, operations, (picture, top, rows) =>
        {
            var first = ((long)picture * gradient.Height + top) * gradient.Width;
            var end = first + (long)rows * gradient.Width;
            for (; first < end; first += PlacesTogether)
                RunBack(back, gradient, result, first, (int)Math.Min(PlacesTogether, end - first));
        });
    }

    private void Run(Pixels image, Pixels result, long first, int places, Epilogue<TSimd, TVector> epilogue)
    {
        var rows = Panels<TSimd, TVector>.PaddedRows(places, Padded);
        var widest = _rowsTogether * Window.Row;
        using var scratch = new Scratch(rows * widest, rows * Padded);
        float* values = scratch.Take(rows * widest), made = scratch.Take(rows * Padded);
        for (var top = 0; top < Window.Height; top += _rowsTogether)
        {
            var depth = Math.Min(_rowsTogether, Window.Height - top) * Window.Row;
            _patch.Copy(image, new Places(result, first), places, top, depth / Window.Row, values);
            new Span<float>(values + places * depth, (rows - places) * depth).Clear();
            Panels<TSimd, TVector>.Multiply(
                values, depth, rows, Weights, Window.Height * Window.Row, top * Window.Row, top * Window.Row + depth, Padded,
                Start, made, Padded);
        }
        var place = (nint)first * Outputs;
        StoreUnpadded(made, places, result.At(0, 0) + place);
        if (!epilogue.IsEmpty)
            epilogue.Apply(result.At(0, 0) + place, place, places * Outputs);
    }

    /// <summary>Results without what fills up the panels.</summary>
    /// <param name="made">[places, padded].</param>
    /// <param name="places">How many.</param>
    /// <param name="to">[places, out].</param>
    private protected void StoreUnpadded(float* made, int places, float* to)
    {
        if (Outputs == Padded)
        {
            new ReadOnlySpan<float>(made, places * Outputs).CopyTo(new Span<float>(to, places * Outputs));
            return;
        }
        for (var i = 0; i < places; i++)
            new ReadOnlySpan<float>(made + i * Padded, Outputs).CopyTo(new Span<float>(to + i * Outputs, Outputs));
    }

    private void RunBack(BackPart[] back, Pixels gradient, Pixels result, long first, int places)
    {
        var widest = back[0].Columns;
        // The last part may be a narrow one, of which more rows go together.
        var rows = Math.Max(
            Panels<TSimd, TVector>.PaddedRows(places, widest), Panels<TSimd, TVector>.PaddedRows(places, back[^1].Columns));
        using var scratch = new Scratch(rows * Outputs, rows * widest);
        float* values = scratch.Take(rows * Outputs), made = scratch.Take(rows * widest);
        new ReadOnlySpan<float>(gradient.At(0, 0) + (nint)first * Outputs, places * Outputs).CopyTo(new Span<float>(values, places * Outputs));
        new Span<float>(values + places * Outputs, (rows - places) * Outputs).Clear();
        foreach (var part in back)
        {
            Panels<TSimd, TVector>.Multiply(
                values, Outputs, Panels<TSimd, TVector>.PaddedRows(places, part.Columns), part.Panels, Outputs, 0, Outputs, part.Columns,
                part.Zeros, made, part.Columns);
            _patch.Add(made, part.Columns, new Places(gradient, first), places, part.Top, part.Rows, result);
        }
    }

    private BackPart BackPartOf(int top, int rows)
    {
        using var part = Weight.narrow(2, top, rows);
        using var matrix = part.permute(0, 2, 3, 1);
        var columns = rows * Window.Row;
        var padded = Panels<TSimd, TVector>.PaddedColumns(columns);
        return new(top, rows, padded, Pack(matrix, columns), StartOf(null, padded));
    }

    // Some rows of the window, as they are multiplied with on the way back: [out, rows · width · in].
    private readonly struct BackPart(int top, int rows, int columns, float* panels, float* zeros)
    {
        public int Top { get; } = top;

        public int Rows { get; } = rows;

        public int Columns { get; } = columns;

        public float* Panels { get; } = panels;

        public float* Zeros { get; } = zeros;
    }

    // What the window covers, in the order of memory: rows of neighbouring pixels.
    private readonly struct Patch(SlidingWindow window)
    {
        /// <summary>Some of its rows at neighbouring places, with zeros where they reach beyond the image.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Copy(Pixels image, Places places, int count, int top, int rows, float* to)
        {
            for (; count > 0; count--, places.Next())
            {
                for (var row = 0; row < rows; row++, to += window.Row)
                {
                    var part = Covered(image, places, top + row, out var first);
                    if (part.Length < window.Row)
                        new Span<float>(to, window.Row).Clear();
                    part.CopyTo(new Span<float>(to + first, part.Length));
                }
            }
        }

        /// <summary>Adds to the image what <see cref="Copy"/> would have copied from there.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Add(float* from, int step, Places places, int count, int top, int rows, Pixels image)
        {
            for (; count > 0; count--, places.Next(), from += step)
            {
                for (var row = 0; row < rows; row++)
                {
                    var part = Covered(image, places, top + row, out var first);
                    Sum(from + row * window.Row + first, part);
                }
            }
        }

        // One row without what lies beyond the image, and how many numbers are left out before.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private Span<float> Covered(Pixels image, Places place, int row, out int first)
        {
            var (up, left) = (place.Y * window.Down - window.Above + row, place.X * window.Right - window.Left);
            int start = Math.Max(0, left), end = Math.Min(image.Width, left + window.Width);
            first = 0;
            if ((uint)up >= (uint)image.Height || start >= end)
                return [];
            first = (start - left) * window.Channels;
            return new Span<float>(image.At(place.Picture, up * image.Width + start), (end - start) * window.Channels);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Sum(float* from, Span<float> to)
        {
            fixed (float* target = to)
            {
                var i = 0;
                for (; i <= to.Length - TSimd.Count; i += TSimd.Count)
                    TSimd.Store(TSimd.Add(TSimd.Load(target + i), TSimd.Load(from + i)), target + i);
                for (; i < to.Length; i++)
                    target[i] += from[i];
            }
        }
    }

    // Places of the window, one after the other: pixels of the result.
    private struct Places
    {
        private readonly int _height;
        private readonly int _width;

        public Places(Pixels result, long first)
        {
            (_height, _width) = (result.Height, result.Width);
            var (line, x) = Math.DivRem(first, _width);
            (Picture, Y, X) = ((int)(line / _height), (int)(line % _height), (int)x);
        }

        public int Picture { get; private set; }

        public int Y { get; private set; }

        public int X { get; private set; }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Next()
        {
            if (++X < _width)
                return;
            X = 0;
            if (++Y < _height)
                return;
            Y = 0;
            Picture++;
        }
    }
}
