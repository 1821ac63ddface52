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
    private readonly ConvolutionGeometry? _turned;
    private LineKernel<TSimd, TVector>? _back;

    /// <param name="weight">[out, in, height, width].</param>
    /// <param name="bias">[out], or null.</param>
    /// <param name="geometry">Where the window stands, as <see cref="Takes"/> allows.</param>
    public LineKernel(Tensor weight, Tensor? bias, ConvolutionGeometry geometry)
        : base(weight, bias, geometry)
    {
        using var turned = weight.transpose(0, 1);
        _turned = geometry.Turned(Window.Height, Window.Width) is { } back && Takes(turned, back) ? back : null;
    }

    /// <summary>Whether it is made for such a convolution.</summary>
    /// <inheritdoc cref="PatchKernel{TSimd, TVector}.Takes"/>
    public static new bool Takes(Tensor weight, ConvolutionGeometry geometry) =>
        PatchKernel<TSimd, TVector>.Takes(weight, geometry) && PaddedLines.Takes(new SlidingWindow(weight, geometry));

    public override void Run(Pixels image, float* addend, Activation activation, void* kept, Pixels result)
    {
        var epilogue = new Epilogue<TSimd, TVector>(addend, activation, kept);
        // Where a pixel's channels fill no vectors, no vector of a line is one of the whole result.
        var isAtOnce = Outputs % TSimd.Count == 0;
        var lines = new PaddedLines(Window, result.Height, result.Width);
        var (down, across) = ((result.Height + lines.Lines - 1) / lines.Lines, (result.Width + lines.Columns - 1) / lines.Columns);
        var operations = (long)lines.Lines * lines.LineStep * Window.Taps * Padded;
        Planes.ForEach(checked(result.Pictures * down * across), operations, part =>
        {
            var (line, column) = Math.DivRem(part, across);
            var (picture, band) = Math.DivRem(line, down);
            Run(image, result, lines, picture, band * lines.Lines, column * lines.Columns, isAtOnce ? epilogue : default);
        });
        if (!isAtOnce)
            Apply(epilogue, result);
    }

    // Without strides, it is a convolution with the turned window.
    private protected override void MakeBack()
    {
        if (_turned is null)
            base.MakeBack();
        else
            _back = Own(new LineKernel<TSimd, TVector>(Weight.transpose(0, 1).flip(2, 3), null, _turned));
    }

    private protected override void RunPreparedBack(Pixels gradient, Pixels result)
    {
        if (_back is null)
            base.RunPreparedBack(gradient, result);
        else
            _back.Run(gradient, null, default, null, result);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Run(Pixels image, Pixels result, PaddedLines lines, int picture, int top, int left, Epilogue<TSimd, TVector> epilogue)
    {
        var (height, width) = (Math.Min(lines.Lines, result.Height - top), Math.Min(lines.Columns, result.Width - left));
        var rows = Panels<TSimd, TVector>.PaddedRows((height - 1) * lines.LineStep + width, Padded);
        using var scratch = new Scratch(lines.Size(rows), rows * Padded);
        float* values = scratch.Take(lines.Size(rows)), made = scratch.Take(rows * Padded);
        var offsets = stackalloc int[Window.Taps];
        lines.Offsets(offsets);
        lines.Copy(image.At(picture, 0), image.Height, image.Width, top, height, left, values);
        Panels<TSimd, TVector>.Multiply(values, lines.Step, rows, offsets, Weights, Window.Taps, Padded, Start, made, Padded);
        for (var line = 0; line < height; line++)
        {
            var to = result.At(picture, (top + line) * result.Width + left);
            StoreUnpadded(made + line * lines.LineStep * Padded, width, to);
            if (!epilogue.IsEmpty)
                epilogue.Apply(to, (nint)(to - result.At(0, 0)), width * Outputs);
        }
    }
}
