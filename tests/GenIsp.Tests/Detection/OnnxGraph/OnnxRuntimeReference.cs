using GenIsp.Detection;
using GenIsp.Detection.OnnxGraph;
using GenIsp.Detection.OnnxGraph.Proto;
using Google.Protobuf;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using static TorchSharp.torch;

namespace GenIsp.Tests.Detection.OnnxGraph;

/// <summary>The same model in ONNX Runtime and here.</summary>
internal static class OnnxRuntimeReference
{
    /// <summary>
    /// Runs the model on random values, or on the given ones, in both, and compares every output; here as it is, frozen, and frozen on
    /// another device.
    /// </summary>
    /// <param name="model">With one input.</param>
    /// <param name="tolerance">Absolute, and relative to values above 1.</param>
    /// <param name="values">The input's.</param>
    /// <param name="elsewhere">Whether on the other device too.</param>
    public static void ShouldAgree(ModelProto model, double tolerance = 1e-5, float[]? values = null, bool elsewhere = true)
    {
        long[] shape = [.. Graph.SoleInput(model, "model").Type.TensorType.Shape.Dim.Select(dim => dim.DimValue)];
        values ??= OnnxBuilder.Random(shape.Aggregate(1L, (product, size) => product * size), seed: 7);
        var expected = Run(model, values, shape);
        using var scope = NewDisposeScope();
        using var graph = Graph.Load(model, "model", shape);
        Compare(graph, CPU);
        graph.Freeze(DetectorTypes.Of(DetectorPrecision.Float32), CPU);
        Compare(graph, CPU);
        if (!elsewhere || !OtherDevice.IsThere)
            return;
        using var there = Graph.Load(model, "model", shape);
        there.Freeze(DetectorTypes.Of(DetectorPrecision.Float32), OtherDevice.Instance);
        Compare(there, OtherDevice.Instance);

        void Compare(Graph graph, Device device)
        {
            var found = graph.Run(tensor(values, shape, dtype: ScalarType.Float32, device: device));
            found.Length.ShouldBe(expected.Length);
            foreach (var (output, (reference, dims)) in found.Zip(expected))
            {
                var node = model.Graph.Node[0];
                output.shape.ShouldBe(dims, node.ToString());
                float[] numbers = output.numel() == 0 ? [] : output.Numbers<float>();
                for (var i = 0; i < numbers.Length; i++)
                {
                    var allowed = tolerance * Math.Max(1, Math.Abs(reference[i]));
                    numbers[i].ShouldBe(reference[i], allowed, $"element {i} of {node}");
                }
            }
        }
    }

    public static (float[] Values, long[] Shape)[] Run(ModelProto model, float[] values, long[] shape, int threads = 1)
    {
        using var session = Session(model, threads);
        return Run(session, values, shape);
    }

    public static InferenceSession Session(ModelProto model, int threads)
    {
        using var options = new SessionOptions { IntraOpNumThreads = threads, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
        return new InferenceSession(model.ToByteArray(), options);
    }

    public static (float[] Values, long[] Shape)[] Run(InferenceSession session, float[] values, long[] shape)
    {
        var input = new DenseTensor<float>(values, [.. shape.Select(size => (int)size)]);
        using var results = session.Run([NamedOnnxValue.CreateFromTensor(session.InputNames[0], input)]);
        return [.. results.Select(result => result.AsTensor<float>()).Select(
            result => (result.ToArray(), result.Dimensions.ToArray().Select(size => (long)size).ToArray()))];
    }
}
