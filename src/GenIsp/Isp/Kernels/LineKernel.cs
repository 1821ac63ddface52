using System.Runtime.CompilerServices;
using GenIsp.Isp.Fused;
using static TorchSharp.torch;

namespace GenIsp.Isp.Kernels;

/// <summary>
/// Any window over few channels: too few products for each number to copy what it covers at each place, so products read
/// <see cref="PaddedLines"/>.
/// </summary>
internal sealed unsafe class LineKernel<TSimd, TVector> : PatchKernel<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    private LineKernel<TSimd, TVector>? _back;

    /// <param name="weight">[out, in, height, width].</param>
    /// <param name="bias">[out], or null.</param>
    /// <param name="geometry">Where the window stands, as <see cref="Takes"/> allows.</param>
    public LineKernel(Tensor weight, Tensor? bias, ConvolutionGeometry geometry)
        : base(weight, bias, geometry)
    {
    }

    /// <summary>Whether it is made for such a convolution.</summary>
    /// <inheritdoc cref="PatchKernel{TSimd, TVector}.Takes"/>
    public static new bool Takes(Tensor weight, ConvolutionGeometry geometry) =>
        PatchKernel<TSimd, TVector>.Takes(weight, geometry) && PaddedLines.Takes(new SlidingWindow(weight, geometry));

    private protected override void Run(Pixels image, float* addend, Activation activation, void* kept, Pixels result)
    {
        var epilogue = new Epilogue<TSimd, TVector>(addend, activation, kept);
        // Where a pixel's channels fill no vectors, no vector of a line is one of the whole result.
        var isAtOnce = Outputs % TSimd.Count == 0;
        var lines = new PaddedLines(Window, result.Height, result.Width);
        var (down, across) = ((result.Height + lines.Lines - 1) / lines.Lines, (result.Width + lines.Columns - 1) / lines.Columns);
        var operations = (long)lines.Lines * lines.Across * Window.Taps * Padded;
        Planes.ForEach(checked(result.Pictures * down * across), operations, part =>
        {
            var (line, column) = Math.DivRem(part, across);
            var (picture, band) = Math.DivRem(line, down);
            Run(image, result, lines, picture, band * lines.Lines, column * lines.Columns, isAtOnce ? epilogue : default);
        });
        if (!isAtOnce && !epilogue.IsEmpty)
            ForEachBlock(result.Numbers, (place, count) => epilogue.Apply(result.At(0, 0) + place, place, count));
    }

    // Without strides, it is a convolution with the turned window.
    private protected override void RunBack(Pixels gradient, Pixels result)
    {
        if (_back is null && TurnedGeometry is { } geometry)
        {
            using var quiet = no_grad();
            using var turned = Weight.transpose(0, 1).flip(2, 3);
            if (Takes(turned, geometry))
                _back = Own(new LineKernel<TSimd, TVector>(turned, null, geometry));
        }
        if (_back is null)
            base.RunBack(gradient, result);
        else
            _back.Run(gradient, null, default, null, result);
    }

    private ConvolutionGeometry? TurnedGeometry => Window is { Down: 1, Right: 1 } && Window.Above < Window.Height && Window.Left < Window.Width
        ? new([1, 1], [Window.Height - 1 - Window.Above, Window.Width - 1 - Window.Left], [1, 1], 1)
        : null;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Run(Pixels image, Pixels result, PaddedLines lines, int picture, int top, int left, Epilogue<TSimd, TVector> epilogue)
    {
        var (height, width) = (Math.Min(lines.Lines, result.Height - top), Math.Min(lines.Columns, result.Width - left));
        var rows = Panels<TSimd, TVector>.PaddedRows((height - 1) * lines.Across + width, Padded);
        using var scratch = new Scratch(lines.Size(rows), rows * Padded);
        float* values = scratch.Take(lines.Size(rows)), made = scratch.Take(rows * Padded);
        var offsets = stackalloc int[Window.Taps];
        lines.Offsets(offsets);
        lines.Copy(image.At(picture, 0), image.Height, image.Width, top, height, left, values);
        Panels<TSimd, TVector>.Multiply(values, lines.Step, rows, offsets, Weights, Window.Taps, Padded, Start, made, Padded);
        for (var line = 0; line < height; line++)
        {
            var to = result.At(picture, (top + line) * result.Width + left);
            Copy(made + line * lines.Across * Padded, width, to);
            if (!epilogue.IsEmpty)
                epilogue.Apply(to, (nint)(to - result.At(0, 0)), width * Outputs);
        }
    }
}
