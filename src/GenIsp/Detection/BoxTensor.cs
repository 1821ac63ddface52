using System.Runtime.InteropServices;
using GenIsp.Geometry;
using static TorchSharp.torch;

namespace GenIsp.Detection;

/// <summary>Boxes as tensors: [N, 4], float32, x1, y1, x2, y2.</summary>
internal static class BoxTensor
{
    /// <summary>On the processor, unless a device is given.</summary>
    public static Tensor From(ReadOnlySpan<Box> boxes, Device? device = null) =>
        tensor(MemoryMarshal.Cast<Box, float>(boxes).ToArray(), [boxes.Length, 4], dtype: ScalarType.Float32, device: device);

    /// <summary>Some of many.</summary>
    public static Tensor At(ReadOnlySpan<Box> boxes, ReadOnlySpan<int> places, Device? device = null)
    {
        var chosen = new Box[places.Length];
        for (var i = 0; i < chosen.Length; i++)
            chosen[i] = boxes[places[i]];
        return From(chosen, device);
    }

    /// <summary>The values alone, without a gradient.</summary>
    public static Box[] ToBoxes(Tensor tensor) => MemoryMarshal.Cast<float, Box>(tensor.Numbers<float>()).ToArray();
}
