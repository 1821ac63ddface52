namespace GenIsp.Detection;

/// <summary>
/// COCO's 80 object classes. Annotations number them 1..90 with gaps, detectors with 80 outputs number them 0..79 without: this is
/// the one place that knows both.
/// </summary>
public static class CocoCategories
{
    // Id 1..90 in order; "" where COCO 2017 has no class.
    private static readonly string[] NamesById =
    [
        "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
        "fire hydrant", "", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep",
        "cow", "elephant", "bear", "zebra", "giraffe", "", "backpack", "umbrella", "", "",
        "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove",
        "skateboard", "surfboard", "tennis racket", "bottle", "", "wine glass", "cup", "fork", "knife", "spoon",
        "bowl", "banana", "apple", "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut",
        "cake", "chair", "couch", "potted plant", "bed", "", "dining table", "", "", "toilet",
        "", "tv", "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven", "toaster",
        "sink", "refrigerator", "", "book", "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush",
    ];

    /// <summary>The 80 classes by their index in a detector with 80 outputs (0..79), in ascending order of COCO's id.</summary>
    public static IReadOnlyList<Category> All { get; } =
        [.. NamesById.Select((name, index) => new Category(index + 1, name)).Where(category => category.Name.Length > 0)];

    /// <summary>The class with COCO's <paramref name="id"/> (1..90), or null where COCO has none, as for 12.</summary>
    public static Category? ById(int id) =>
        id is >= 1 and <= 90 && NamesById[id - 1].Length > 0 ? new Category(id, NamesById[id - 1]) : null;
}
