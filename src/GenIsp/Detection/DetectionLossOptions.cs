using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace GenIsp.Detection;

/// <summary>What measures the distance of a predicted box from the true one.</summary>
public enum BoxLoss
{
    /// <summary>Square below β, absolute above it (Fast R-CNN, arXiv 1504.08083), over the box's four values.</summary>
    SmoothL1,

    /// <summary>Absolute, over the box's four values: that of torchvision's RetinaNet, version 1.</summary>
    L1,

    /// <summary>1 − generalised IoU (arXiv 1902.09630): that of torchvision's RetinaNet, version 2.</summary>
    [JsonStringEnumMemberName("giou")]
    GIoU,
}

/// <summary>The detection loss. The defaults of the focal loss are its paper's (arXiv 1708.02002).</summary>
public sealed record DetectionLossOptions
{
    /// <summary>The weight of what is a class; what is not has 1 − α. 0..1.</summary>
    /// <exception cref="GenIspException">On setting: it is out of range; so for the others.</exception>
    public double Alpha { get; init => field = Check(value, value is >= 0 and <= 1, "from 0 to 1"); } = 0.25;

    /// <summary>How much less what is easy counts: 0 (not at all), or from 1 on (between, the gradient would be infinite).</summary>
    public double Gamma { get; init => field = Check(value, value is 0 or (>= 1 and <= 100), "0, or from 1 to 100"); } = 2;

    /// <summary>The measure of boxes.</summary>
    public BoxLoss BoxLoss { get; init; } = BoxLoss.SmoothL1;

    /// <summary>Where the smooth L1 turns from square to absolute; above 0.</summary>
    public double Beta { get; init => field = Check(value, value is > 0 and <= 1000, "above 0, at most 1000"); } = 1.0 / 9;

    /// <summary>The weight of the boxes beside the classes; not negative.</summary>
    public double BoxWeight { get; init => field = Check(value, value is >= 0 and <= 1e6, "from 0 to 1000000"); } = 1;

    private static double Check(double value, bool isValid, string range, [CallerMemberName] string name = "") =>
        isValid ? value : throw new GenIspException(FormattableString.Invariant(
            $"\"loss.{JsonNamingPolicy.SnakeCaseLower.ConvertName(name)}\" is {value}, but must be {range}."));
}
