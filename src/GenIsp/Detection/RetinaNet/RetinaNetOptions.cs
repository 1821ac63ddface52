namespace GenIsp.Detection.RetinaNet;

/// <summary>What of <see cref="RetinaNet"/> its weights do not say; the defaults are torchvision's.</summary>
public sealed record RetinaNetOptions
{
    /// <summary>The short side, in pixels, to which an image is resized, unless its long side would exceed <see cref="MaxSize"/>.</summary>
    public int MinSize { get; init; } = 800;

    /// <summary>The most pixels that the long side may have.</summary>
    public int MaxSize { get; init; } = 1333;

    /// <summary>How many of the best candidates of each level go on to the suppression.</summary>
    public int CandidatesPerLevel { get; init; } = 1000;

    /// <summary>A box is suppressed when its IoU with a better one of its class is greater; 0..1.</summary>
    public float IouThreshold { get; init; } = 0.5f;

    /// <summary>At most so many detections are returned.</summary>
    public int DetectionsPerImage { get; init; } = 300;

    /// <summary>
    /// Added to the variances of the backbone's batch norms. Null takes it from the weights: 0 for version 1 with frozen batch norms, as
    /// torchvision runs its own COCO weights, else 1e-5. Weights of version 1 that were trained on a frozen ImageNet backbone, not on
    /// top of the COCO weights, need 1e-5, which no file says.
    /// </summary>
    public double? BatchNormEpsilon { get; init; }

    /// <summary>What the convolutions are computed in.</summary>
    public DetectorPrecision Precision { get; init; } = DetectorPrecision.Float32;
}
