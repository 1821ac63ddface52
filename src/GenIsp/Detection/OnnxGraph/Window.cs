using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace GenIsp.Detection.OnnxGraph;

/// <summary>The sliding window of a convolution or a pool, as the node's attributes describe it: height first, then width.</summary>
internal sealed class Window
{
    private readonly long[] _pads;
    private readonly string _autoPad;
    private readonly bool _ceil;

    public Window(Node node)
    {
        Kernel = node.Ints("kernel_shape") ?? [];
        Strides = node.Ints("strides") ?? [1, 1];
        Dilations = node.Ints("dilations") ?? [1, 1];
        _pads = node.Ints("pads") ?? [0, 0, 0, 0];
        _ceil = node.Flag("ceil_mode");
        _autoPad = node.OneOf("auto_pad", "NOTSET", "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER");
        if ((Kernel.Length > 0 && Kernel.Length != 2) || Strides.Length != 2 || Dilations.Length != 2 || _pads.Length != 4)
            throw new UnsupportedException("only windows of two dimensions are");
        // A divisor of 0 would end the process; sizes beyond these are no detector's, and their products would overflow.
        if (Kernel.Concat(Strides).Concat(Dilations).Any(size => size is < 1 or > 1 << 16) || _pads.Any(size => size is < 0 or > 1 << 16))
            throw new UnsupportedException("the kernel, strides, dilations or pads are out of range");
    }

    public long[] Kernel { get; }

    public long[] Strides { get; }

    public long[] Dilations { get; }

    /// <summary>The pads where they are written, and the same on both sides; else null.</summary>
    public long[]? SymmetricPads => _autoPad == "NOTSET" && _pads.AsSpan(0, 2).SequenceEqual(_pads.AsSpan(2)) ? _pads[..2] : null;

    /// <summary>The window on an image of a known size.</summary>
    /// <param name="Height">Rows of the output.</param>
    /// <param name="Width">Columns of the output.</param>
    /// <param name="Begin">Pads at the top and left.</param>
    /// <param name="End">Pads at the bottom and right that the output's size needs; may be negative.</param>
    /// <param name="Written">The pads at the bottom and right that the node asks for.</param>
    public sealed record Placement(long Height, long Width, long[] Begin, long[] End, long[] Written)
    {
        public bool IsSymmetric => Begin.AsSpan().SequenceEqual(End);

        /// <summary>Pads an image so that the window slides over all of it, and over nothing else.</summary>
        public Tensor Pad(Tensor image, double value) => Pad(image, End, value);

        /// <summary>Ones where the image and the pads of the node are, zeros where only the rounding up of the size leads.</summary>
        public Tensor PadAsWritten(Tensor image)
        {
            long[] rest = [End[0] - Written[0], End[1] - Written[1]];
            var padded = functional.pad(image, [Begin[1], Written[1], Begin[0], Written[0]], value: 1);
            return functional.pad(padded, [0, rest[1], 0, rest[0]]);
        }

        private Tensor Pad(Tensor image, long[] end, double value)
        {
            Inputs.Limit(image.shape[0], image.shape[1], image.shape[2] + Begin[0] + end[0], image.shape[3] + Begin[1] + end[1]);
            return functional.pad(image, [Begin[1], end[1], Begin[0], end[0]], value: value);
        }
    }

    public Placement On(long[] image, long[] kernel)
    {
        var (output, begin, end, written) = (new long[2], new long[2], new long[2], new long[2]);
        for (var axis = 0; axis < 2; axis++)
        {
            var (size, stride) = (image[2 + axis], Strides[axis]);
            var reach = Dilations[axis] * (kernel[axis] - 1) + 1;
            (begin[axis], written[axis]) = Pads(axis, size, reach, stride);
            var room = size + begin[axis] + written[axis] - reach;
            output[axis] = (_ceil ? room + stride - 1 : room) / stride + 1;
            // A window that would begin in the pads at the end is left out.
            if (_ceil && (output[axis] - 1) * stride >= size + begin[axis])
                output[axis]--;
            if (room < 0 || output[axis] < 1)
                throw new GenIspException($"its window of {reach} does not fit into {size} with its pads");
            end[axis] = _ceil ? (output[axis] - 1) * stride + reach - size - begin[axis] : written[axis];
        }
        return new Placement(output[0], output[1], begin, end, written);
    }

    private (long Begin, long End) Pads(int axis, long size, long reach, long stride)
    {
        if (_autoPad == "NOTSET")
            return (_pads[axis], _pads[2 + axis]);
        if (_autoPad == "VALID")
            return (0, 0);
        var total = Math.Max(0, ((size + stride - 1) / stride - 1) * stride + reach - size);
        return _autoPad == "SAME_UPPER" ? (total / 2, total - total / 2) : (total - total / 2, total / 2);
    }
}
