using System.Runtime.Intrinsics.X86;
using TorchSharp;
using static TorchSharp.torch;

namespace GenIsp.Detection;

/// <summary>What a frozen detector's convolutions are computed in. Boxes, scores and losses are made of it in float32 always.</summary>
public enum DetectorPrecision
{
    /// <summary>
    /// <see cref="Mixed"/> where the processor multiplies bfloat16, else <see cref="Float32"/>, and so on a card: libtorch does not tell
    /// what it has.
    /// </summary>
    Auto,

    /// <summary>float32.</summary>
    Float32,

    /// <summary>
    /// float32 from the image to the detections and the loss, bfloat16 on the way back through large convolutions without strides:
    /// detections, losses and figures are float32's, and the ISP's gradient is within 2 % of its. On the processor, windows of 1×1 and 3×3
    /// go back in float32 all the same, 3×3 faster so and 1×1 about as fast; RetinaNet, YOLOX and NanoDet-Plus have no other large ones,
    /// so that it is <see cref="Float32"/> for them.
    /// </summary>
    Mixed,

    /// <summary>
    /// bfloat16 there and back, the fastest. Detections change a little; a gradient changes by 25 % of its length and more, for ReLUs near 0
    /// go on or off, and points are assigned to other boxes.
    /// </summary>
    Bfloat16,
}

/// <summary>The dtypes of a detector's convolutions, forward and back.</summary>
internal readonly record struct DetectorTypes(ScalarType Forward, ScalarType Back)
{
    /// <summary>Whether the processor has AVX512_BF16 or AMX-BF16: elsewhere bfloat16 is right, but slow.</summary>
    public static bool ProcessorHasBFloat16 { get; } = HasBFloat16();

    /// <summary>What <see cref="DetectorPrecision.Auto"/> is on a device, the processor if null; any other is itself.</summary>
    public static DetectorPrecision Resolve(DetectorPrecision precision, Device? device = null) => precision switch
    {
        DetectorPrecision.Auto when ProcessorHasBFloat16 && device is null or { type: DeviceType.CPU } => DetectorPrecision.Mixed,
        DetectorPrecision.Auto => DetectorPrecision.Float32,
        _ => precision,
    };

    /// <summary>What a precision means.</summary>
    /// <exception cref="ArgumentException">It is <see cref="DetectorPrecision.Auto"/>: see <see cref="Resolve"/>.</exception>
    public static DetectorTypes Of(DetectorPrecision precision) => precision switch
    {
        DetectorPrecision.Bfloat16 => new(ScalarType.BFloat16, ScalarType.BFloat16),
        DetectorPrecision.Mixed => new(ScalarType.Float32, ScalarType.BFloat16),
        DetectorPrecision.Float32 => new(ScalarType.Float32, ScalarType.Float32),
        _ => throw new ArgumentException("Which precision it is must be resolved before.", nameof(precision)),
    };

    // CPUID, leaf 7 (Intel's manual, volume 2A): AMX-BF16 is bit 22 of EDX in subleaf 0, AVX512_BF16 bit 5 of EAX in subleaf 1. The system
    // must save the wide registers too, which IsSupported knows.
    private static bool HasBFloat16()
    {
        if (!X86Base.IsSupported || !Avx512F.IsSupported || X86Base.CpuId(0, 0).Eax < 7)
            return false;
        var (subleaves, _, _, edx) = X86Base.CpuId(7, 0);
        return (edx & 1 << 22) != 0 || (subleaves >= 1 && (X86Base.CpuId(7, 1).Eax & 1 << 5) != 0);
    }
}
