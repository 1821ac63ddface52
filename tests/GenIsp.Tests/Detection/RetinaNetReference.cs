using System.Text.Json;
using GenIsp.Weights;

namespace GenIsp.Tests.Detection;

/// <summary>What torchvision 0.14.1 computed: tests/reference/retinanet.py wrote it.</summary>
internal sealed record RetinaNetReference(
    IReadOnlyDictionary<string, RetinaNetCase> Cases,
    int[][] ResizedSizes,
    AnchorsCase[] Anchors,
    BoxCoderCase BoxCoder,
    PostProcessingCase PostProcessing,
    StateDictNames Names)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public static RetinaNetReference Instance { get; } = JsonSerializer.Deserialize<RetinaNetReference>(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Fixtures", "retinanet.json")), Json)!;

    /// <summary>The weights of a case, under torchvision's current names.</summary>
    public static StateDict WeightsOf(RetinaNetCase reference) =>
        PseudoWeights.Create(Instance.Names.Both.Concat(reference.Version == 1 ? Instance.Names.V1 : Instance.Names.V2), reference);
}

/// <summary>A run of the whole detector.</summary>
internal sealed record RetinaNetCase(
    int Version,
    int Classes,
    double ClassBias,
    double ClassGain,
    double BoxGain,
    int Salt,
    int MinSize,
    int MaxSize,
    int[][] Images,
    TensorSamples Batch,
    int[][] Sizes,
    int[] AnchorsPerLevel,
    TensorSamples ClassLogits,
    TensorSamples BoxRegression,
    DetectionsCase[] Detections);

/// <summary>Samples at k · count / length, and statistics of the whole.</summary>
internal sealed record TensorSamples(long[] Shape, float[] Samples, double Mean, double MeanAbs);

/// <summary>Four edges a box.</summary>
internal sealed record DetectionsCase(float[] Boxes, float[] Scores, int[] Labels);

/// <summary>The anchors of a batch's frame.</summary>
internal sealed record AnchorsCase(int Height, int Width, int[][] Grids, long[] Shape, float[] Samples, double Mean, double MeanAbs);

/// <summary>Results for boxes made by the formula.</summary>
internal sealed record BoxCoderCase(float[] Encoded, float[] Decoded);

/// <summary>The detections in outputs made by the formula.</summary>
internal sealed record PostProcessingCase(
    int Height, int Width, int Salt, int Classes, int[][] Grids, int[] Size, float[] Boxes, float[] Scores, int[] Labels);

/// <summary>Names and dimensions in the state dicts of both versions, or of one.</summary>
internal sealed record StateDictNames(string[] Both, string[] V1, string[] V2);
