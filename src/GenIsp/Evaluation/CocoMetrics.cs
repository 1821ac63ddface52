using System.Text.Json.Nodes;

namespace GenIsp.Evaluation;

/// <summary>
/// COCO's twelve figures (https://cocodataset.org/#detection-eval) and AP by class; each 0..1, or −1 where there was nothing to find.
/// </summary>
public sealed record CocoMetrics
{
    /// <summary>Images in the data set.</summary>
    public required int Images { get; init; }

    /// <summary>Annotated boxes that were to be found: of the evaluated classes, without crowds and what else is ignored.</summary>
    public required int Boxes { get; init; }

    /// <summary>Average precision: the mean over IoU thresholds 0.50, 0.55 … 0.95 and classes.</summary>
    public required double AP { get; init; }

    /// <summary>Average precision at IoU 0.50.</summary>
    public required double AP50 { get; init; }

    /// <summary>Average precision at IoU 0.75.</summary>
    public required double AP75 { get; init; }

    /// <summary>Average precision of objects of at most 32² square pixels, of the frame in which areas are counted.</summary>
    public required double APSmall { get; init; }

    /// <summary>Average precision of objects of 32² to 96² square pixels.</summary>
    public required double APMedium { get; init; }

    /// <summary>Average precision of objects of at least 96² square pixels.</summary>
    public required double APLarge { get; init; }

    /// <summary>Average recall with one detection a class and image.</summary>
    public required double AR1 { get; init; }

    /// <summary>Average recall with ten detections a class and image.</summary>
    public required double AR10 { get; init; }

    /// <summary>Average recall with a hundred detections a class and image.</summary>
    public required double AR100 { get; init; }

    /// <summary>Average recall of small objects.</summary>
    public required double ARSmall { get; init; }

    /// <summary>Average recall of medium objects.</summary>
    public required double ARMedium { get; init; }

    /// <summary>Average recall of large objects.</summary>
    public required double ARLarge { get; init; }

    /// <summary>Average precision of each evaluated class by its name, in the order of their ids; −1 for one without boxes.</summary>
    public required IReadOnlyDictionary<string, double> PerClass { get; init; }

    /// <summary>Boxes that were to be found, of each evaluated class by its name. It is not part of the JSON.</summary>
    public required IReadOnlyDictionary<string, int> BoxesPerClass { get; init; }

    /// <summary>
    /// The precision-recall curve at IoU 0.50 of each evaluated class that has boxes: the interpolated precision at the 101 recalls 0.00,
    /// 0.01 … 1.00, whose mean is the class's AP at IoU 0.50. It is not part of the JSON.
    /// </summary>
    public required IReadOnlyDictionary<string, IReadOnlyList<double>> PrecisionAt50 { get; init; }

    /// <summary>
    /// As JSON: <c>{images, boxes, AP, AP50, AP75, APs, APm, APl, AR1, AR10, AR100, ARs, ARm, ARl, per_class: {name: AP}}</c>.
    /// </summary>
    public JsonObject ToJson() => new()
    {
        ["images"] = Images,
        ["boxes"] = Boxes,
        [nameof(AP)] = AP,
        [nameof(AP50)] = AP50,
        [nameof(AP75)] = AP75,
        ["APs"] = APSmall,
        ["APm"] = APMedium,
        ["APl"] = APLarge,
        [nameof(AR1)] = AR1,
        [nameof(AR10)] = AR10,
        [nameof(AR100)] = AR100,
        ["ARs"] = ARSmall,
        ["ARm"] = ARMedium,
        ["ARl"] = ARLarge,
        ["per_class"] = new JsonObject(PerClass.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value))),
    };
}
