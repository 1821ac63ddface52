using System.Runtime.Intrinsics;
using GenIsp.Isp.Fused;
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

    /// <summary>The same of one point.</summary>
    /// <param name="raw">[K].</param>
    /// <param name="point">Where it stands.</param>
    /// <param name="scores">[C], which it sets.</param>
    /// <param name="box">[4], likewise.</param>
    void Decode(ReadOnlySpan<float> raw, GridPoint point, Span<float> scores, Span<float> box);

    /// <summary>The way back from one point's scores and box to its raw numbers.</summary>
    /// <param name="raw">[K].</param>
    /// <param name="stride">The point's.</param>
    /// <param name="ofScores">[C]: their gradient.</param>
    /// <param name="ofBox">[4]: likewise.</param>
    /// <param name="result">[K], which it sets.</param>
    void Back(ReadOnlySpan<float> raw, float stride, ReadOnlySpan<float> ofScores, ReadOnlySpan<float> ofBox, Span<float> result);
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

    public void Decode(ReadOnlySpan<float> raw, GridPoint point, Span<float> scores, Span<float> box)
    {
        VectorMath.Multiply(raw[BoxColumns..], raw[4], scores);
        for (var axis = 0; axis < 2; axis++)
        {
            var centre = raw[axis] * point.Stride + (axis == 0 ? point.X : point.Y);
            var half = MathF.Exp(raw[2 + axis]) * point.Stride / 2;
            (box[axis], box[2 + axis]) = (centre - half, centre + half);
        }
    }

    public void Back(ReadOnlySpan<float> raw, float stride, ReadOnlySpan<float> ofScores, ReadOnlySpan<float> ofBox, Span<float> result)
    {
        VectorMath.Multiply(ofScores, raw[4], result[BoxColumns..]);
        result[4] = VectorMath.Dot(ofScores, raw[BoxColumns..]);
        for (var axis = 0; axis < 2; axis++)
        {
            var (start, end) = (ofBox[axis], ofBox[2 + axis]);
            result[axis] = (start + end) * stride;
            result[2 + axis] = (end - start) * (MathF.Exp(raw[2 + axis]) * stride / 2);
        }
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

    public void Decode(ReadOnlySpan<float> raw, GridPoint point, Span<float> scores, Span<float> box)
    {
        raw[..^BoxColumns].CopyTo(scores);
        for (var side = 0; side < 4; side++)
        {
            var distance = Mean(Shares(raw[^BoxColumns..], side)) * point.Stride;
            var from = side % 2 == 0 ? point.X : point.Y;
            box[side] = side < 2 ? from - distance : from + distance;
        }
    }

    public void Back(ReadOnlySpan<float> raw, float stride, ReadOnlySpan<float> ofScores, ReadOnlySpan<float> ofBox, Span<float> result)
    {
        ofScores.CopyTo(result);
        for (var side = 0; side < 4; side++)
        {
            var shares = Shares(raw[^BoxColumns..], side);
            var ofDistance = (side < 2 ? -ofBox[side] : ofBox[side]) * stride;
            (shares * (Vector256<float>.Indices - Vector256.Create(Mean(shares))) * ofDistance).CopyTo(result[^BoxColumns..][(side * Bins)..]);
        }
    }

    // Softmax over the bins of one side, and where they lie on average.
    private static Vector256<float> Shares(ReadOnlySpan<float> bins, int side)
    {
        var ofSide = bins.Slice(side * Bins, Bins);
        var greatest = ofSide[0];
        foreach (var bin in ofSide)
            greatest = Math.Max(greatest, bin);
        var shares = VectorMath.Exp<Simd256, Vector256<float>>(Vector256.Create(ofSide) - Vector256.Create(greatest));
        return shares / Vector256.Sum(shares);
    }

    private static float Mean(Vector256<float> shares) => Vector256.Sum(shares * Vector256<float>.Indices);
}
