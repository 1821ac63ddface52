using GenIsp.Isp.Kernels;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace GenIsp.Detection.OnnxGraph;

/// <summary>Operators on images: [N, C, H, W].</summary>
internal static class SpatialOperators
{
    public static Dictionary<string, Operator> All { get; } = new()
    {
        ["Conv"] = Conv,
        ["BatchNormalization"] = BatchNormalization,
        ["InstanceNormalization"] = InstanceNormalization,
        ["MaxPool"] = MaxPool,
        ["AveragePool"] = AveragePool,
        ["Resize"] = Resampling.Resize,
        ["Upsample"] = Resampling.Upsample,
    };

    private static Func<Inputs, Tensor> Conv(Node node)
    {
        var geometry = new Window(node);
        var groups = node.Int("group", 1);
        return x =>
        {
            var (image, weight) = (Image(x[0]), Image(x[1]));
            var window = geometry.On(image.shape, weight.shape[2..]);
            Inputs.Limit(image.shape[0], weight.shape[0], window.Height, window.Width);
            // A divisor of 0 would end the process.
            if (groups < 1 || groups > image.shape[1])
                throw new GenIspException($"it has {groups} groups for {image.shape[1]} channels");
            var (padded, pads) = window.IsSymmetric ? (image, window.Begin) : (window.Pad(image, 0), [0, 0]);
            return Convolution.Apply(
                padded, weight, x.Optional(2), new ConvolutionGeometry(geometry.Strides, pads, geometry.Dilations, groups));
        };
    }

    private static Func<Inputs, Tensor> BatchNormalization(Node node)
    {
        var epsilon = node.Float("epsilon", 1e-5f);
        node.Float("momentum", 0.9f);
        node.Only("training_mode", 0);
        node.Only("spatial", 1);
        return x => functional.batch_norm(x[0], x[3], x[4], x[1], x[2], training: false, eps: epsilon);
    }

    private static Func<Inputs, Tensor> InstanceNormalization(Node node)
    {
        var epsilon = node.Float("epsilon", 1e-5f);
        return x => functional.instance_norm(Image(x[0]), weight: x[1], bias: x[2], use_input_stats: true, eps: epsilon);
    }

    private static Func<Inputs, Tensor> MaxPool(Node node)
    {
        var geometry = new Window(node);
        node.Only("storage_order", 0);
        return x =>
        {
            var window = geometry.On(Image(x[0]).shape, geometry.Kernel);
            Inputs.Limit(x[0].shape[0], x[0].shape[1], window.Height, window.Width);
            // libtorch refuses pads of more than half a window.
            return window.IsSymmetric && window.Begin.Zip(geometry.Kernel).All(axis => axis.First <= axis.Second / 2)
                ? functional.max_pool2d(x[0], geometry.Kernel, geometry.Strides, window.Begin, geometry.Dilations)
                : functional.max_pool2d(
                    window.Pad(x[0], double.NegativeInfinity), geometry.Kernel, geometry.Strides, [0, 0], geometry.Dilations);
        };
    }

    private static Func<Inputs, Tensor> AveragePool(Node node)
    {
        var geometry = new Window(node);
        var countsPads = node.Flag("count_include_pad");
        if (geometry.Dilations is not [1, 1])
            throw new UnsupportedException($"dilations = {string.Join(", ", geometry.Dilations)}");
        return x =>
        {
            var window = geometry.On(Image(x[0]).shape, geometry.Kernel);
            Inputs.Limit(x[0].shape[0], x[0].shape[1], window.Height, window.Width);
            // The mean over a padded window, over the share of it that counts.
            var one = ones([1, 1, x[0].shape[2], x[0].shape[3]], x[0].dtype, x[0].device);
            var counted = countsPads ? window.PadAsWritten(one) : window.Pad(one, 0);
            var share = functional.avg_pool2d(counted, geometry.Kernel, geometry.Strides, [0, 0]);
            return functional.avg_pool2d(window.Pad(x[0], 0), geometry.Kernel, geometry.Strides, [0, 0]) / share;
        };
    }

    private static Tensor Image(Tensor x) =>
        x.dim() == 4 ? x : throw new GenIspException($"[{string.Join(", ", x.shape)}] is not [N, C, H, W]");
}
