using System.Runtime.InteropServices;
using GenIsp.Geometry;
using static TorchSharp.torch;

namespace GenIsp.Detection;

/// <summary>Boxes as tensors: [N, 4], float32, x1, y1, x2, y2.</summary>
internal static class BoxTensor
{
    public static Tensor From(ReadOnlySpan<Box> boxes) =>
        tensor(MemoryMarshal.Cast<Box, float>(boxes).ToArray(), [boxes.Length, 4], dtype: ScalarType.Float32);

    /// <summary>The values alone, without a gradient.</summary>
    public static Box[] ToBoxes(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return MemoryMarshal.Cast<float, Box>(tensor.detach().contiguous().data<float>().ToArray()).ToArray();
    }
}
