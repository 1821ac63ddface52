using static TorchSharp.torch;

namespace GenIsp.Detection;

/// <summary>In what form an ONNX detector gives its boxes and scores.</summary>
public enum DetectorConvention
{
    /// <summary>Recognised from the shape and the values of the output.</summary>
    Auto,

    /// <summary>YOLOX, exported without <c>--decode_in_inference</c>: [1, N, 5 + C], strides 8, 16, 32.</summary>
    Yolox,

    /// <summary>NanoDet-Plus: [1, N, C + 32], strides 8, 16, 32, 64.</summary>
    NanoDet,
}

/// <summary>Makes boxes and scores of a detector's output: [N, K] for N points.</summary>
internal interface IOutputConvention
{
    DetectorConvention Name { get; }

    /// <summary>Its shape, in words, for errors.</summary>
    string Description { get; }

    /// <summary>The strides of the points, in the order of the output.</summary>
    IReadOnlyList<int> Strides { get; }

    /// <summary>Where in its cell, 0..1, a point stood when boxes were assigned to it in the detector's own training.</summary>
    float PointCentre { get; }

    /// <summary>K less the number of classes.</summary>
    int BoxColumns { get; }

    /// <summary>The project's default for non-maximum suppression.</summary>
    float NmsThreshold { get; }

    /// <summary>Whether only the best class of each point counts.</summary>
    bool OneClassAPoint { get; }

    /// <summary>The most detections in one image.</summary>
    int MaxDetections { get; }

    DetectorInput Input(int width, int height);

    /// <summary>The columns that are probabilities, all in 0..1 if the output is of this convention: [N, some number].</summary>
    Tensor Probabilities(Tensor raw);

    /// <summary>Scores [N, C] and boxes [N, 4] (x1, y1, x2, y2 in pixels of the network's input), with their gradients.</summary>
    (Tensor Scores, Tensor Boxes) Decode(Tensor raw, Tensor points, Tensor strides);
}

/// <summary>
/// YOLOX (arXiv 2107.08430), undecoded: x, y from the point in strides; log of width and height in strides; objectness; classes.
/// </summary>
internal sealed class YoloxConvention : IOutputConvention
{
    public DetectorConvention Name => DetectorConvention.Yolox;

    public string Description => "YOLOX [1, N, 5 + classes] with strides 8, 16, 32, not decoded";

    public IReadOnlyList<int> Strides { get; } = [8, 16, 32];

    public float PointCentre => 0.5f;

    public int BoxColumns => 5;

    public float NmsThreshold => 0.65f;

    public bool OneClassAPoint => true;

    public int MaxDetections => int.MaxValue;

    public DetectorInput Input(int width, int height) => DetectorInput.Yolox(width, height);

    public Tensor Probabilities(Tensor raw) => raw[.., 4..];

    public (Tensor Scores, Tensor Boxes) Decode(Tensor raw, Tensor points, Tensor strides)
    {
        var scale = strides.unsqueeze(1);
        var centre = (raw[.., ..2] * scale).Plus(points);
        var half = (raw[.., 2..4].exp() * scale).DividedBy(2);
        return (raw[.., 4..5] * raw[.., 5..], cat([centre - half, centre.Plus(half)], 1));
    }
}

/// <summary>
/// NanoDet-Plus: classes, then for left, top, right and bottom a distribution over 0..7 strides from the point (the integral of
/// Generalized Focal Loss, arXiv 2006.04388).
/// </summary>
internal sealed class NanoDetConvention : IOutputConvention
{
    private const int Bins = 8;

    public DetectorConvention Name => DetectorConvention.NanoDet;

    public string Description => "NanoDet-Plus [1, N, classes + 32] with strides 8, 16, 32, 64";

    public IReadOnlyList<int> Strides { get; } = [8, 16, 32, 64];

    public float PointCentre => 0;

    public int BoxColumns => 4 * Bins;

    public float NmsThreshold => 0.6f;

    public bool OneClassAPoint => false;

    public int MaxDetections => 100;

    public DetectorInput Input(int width, int height) => DetectorInput.NanoDet(width, height);

    public Tensor Probabilities(Tensor raw) => raw[.., ..^BoxColumns];

    public (Tensor Scores, Tensor Boxes) Decode(Tensor raw, Tensor points, Tensor strides)
    {
        var shares = raw[.., ^BoxColumns..].reshape(-1, 4, Bins).softmax(-1);
        var bins = tensor(Enumerable.Range(0, Bins).Select(bin => (float)bin).ToArray(), dtype: raw.dtype, device: raw.device);
        var distances = shares.matmul(bins) * strides.unsqueeze(1);
        return (Probabilities(raw), cat([points - distances[.., ..2], points.Plus(distances[.., 2..])], 1));
    }
}
