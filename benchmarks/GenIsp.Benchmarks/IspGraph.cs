using GenIsp.Tests.Detection.OnnxGraph;
using GenIsp.Weights;
using Google.Protobuf;

namespace GenIsp.Benchmarks;

/// <summary>GenISP with the default options as an ONNX model.</summary>
internal static class IspGraph
{
    private static readonly int[] Pool = [2, 2];

    public static byte[] Build(StateDict weights, int width, int height)
    {
        var graph = new OnnxBuilder(17, 1, 3, height, width);
        foreach (var (name, tensor) in weights)
            graph.Weight(name, tensor.ToSingles(), [.. tensor.Shape]);
        graph.Longs("small_size", 1, 3, 256, 256).Longs("gain_shape", 1, 3, 1, 1).Longs("matrix_shape", 1, 3, 3);
        graph.Longs("flat_shape", 1, 3, (long)width * height).Longs("image_shape", 1, 3, height, width);
        graph.Node("Resize", "x _ _ small_size", "small", ("mode", "linear"), ("coordinate_transformation_mode", "half_pixel"));
        Predict(graph, "conv_wb", "small", "gains");
        graph.Node("Reshape", "gains gain_shape", "gain");
        graph.Node("Mul", "small gain", "balanced_small").Node("Mul", "x gain", "balanced");
        Predict(graph, "conv_cc", "balanced_small", "matrix");
        graph.Node("Reshape", "matrix matrix_shape", "square").Node("Reshape", "balanced flat_shape", "flat");
        graph.Node("MatMul", "square flat", "product").Node("Reshape", "product image_shape", "corrected");
        var features = "corrected";
        foreach (var (layer, channels) in new[] { ("conv1", 16), ("conv2", 64) })
        {
            graph.Weight($"one_{layer}", [.. Enumerable.Repeat(1f, channels)]).Weight($"zero_{layer}", new float[channels]);
            Convolve(graph, $"shallow.{layer}", features, $"{layer}_sum", 1);
            graph.Node("InstanceNormalization", $"{layer}_sum one_{layer} zero_{layer}", $"{layer}_even", ("epsilon", 1e-5f));
            graph.Node("LeakyRelu", $"{layer}_even", $"{layer}_out", ("alpha", 0.01f));
            features = $"{layer}_out";
        }
        Convolve(graph, "shallow.conv3", features, "y", 0);
        return graph.Build().ToByteArray();
    }

    private static void Predict(OnnxBuilder graph, string net, string image, string output)
    {
        var features = image;
        foreach (var (layer, padding) in new[] { ("conv1", 3), ("conv2", 2), ("conv3", 1) })
        {
            var name = $"{net}_{layer}";
            Convolve(graph, $"{net}.{layer}", features, $"{name}_sum", padding);
            graph.Node("LeakyRelu", $"{name}_sum", $"{name}_active", ("alpha", 0.01f));
            graph.Node("MaxPool", $"{name}_active", $"{name}_out", ("kernel_shape", Pool), ("strides", Pool));
            features = $"{name}_out";
        }
        graph.Node("GlobalAveragePool", features, $"{net}_mean").Node("Flatten", $"{net}_mean", $"{net}_flat");
        graph.Node("Gemm", $"{net}_flat {net}.mlp.0.weight {net}.mlp.0.bias", output, ("transB", 1));
    }

    private static void Convolve(OnnxBuilder graph, string layer, string input, string output, int padding) =>
        graph.Node("Conv", $"{input} {layer}.weight {layer}.bias", output, ("pads", new[] { padding, padding, padding, padding }));
}
