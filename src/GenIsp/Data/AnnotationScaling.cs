using System.Text.Json;
using System.Text.Json.Nodes;

namespace GenIsp.Data;

/// <summary>An image of a COCO annotation file, as far as another frame for it needs to know it.</summary>
/// <param name="Id">Its id as JSON: a number or a string in quotes.</param>
/// <param name="FileName">Its <c>file_name</c>.</param>
/// <param name="Width">Columns.</param>
/// <param name="Height">Rows.</param>
internal readonly record struct AnnotatedImage(string Id, string FileName, int Width, int Height);

/// <summary>A COCO annotation file that is carried over to images of twice the size, all else in it kept as it is.</summary>
internal sealed class AnnotationScaling
{
    private const int Scale = 2;

    private readonly JsonObject _root;

    private AnnotationScaling(JsonObject root, IReadOnlyList<AnnotatedImage> images) => (_root, Images) = (root, images);

    /// <summary>The images in the file's order, as they were.</summary>
    public IReadOnlyList<AnnotatedImage> Images { get; }

    /// <summary>Reads the file, and carries the annotations over: whatever is wrong in them is known before the images are made.</summary>
    /// <param name="path">For messages.</param>
    /// <param name="json">The file's bytes.</param>
    /// <exception cref="GenIspException">It is no JSON, no COCO annotation file, or an annotation is malformed.</exception>
    public static AnnotationScaling Read(string path, ReadOnlySpan<byte> json)
    {
        JsonNode? root;
        try
        {
            root = JsonNode.Parse(json, documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false });
        }
        catch (JsonException e)
        {
            throw new GenIspException($"{path} is no COCO annotation file{Where(e)}: {e.Message.Split(" Path: ")[0].TrimEnd('.')}.", e);
        }
        if (root is not JsonObject coco)
            throw new GenIspException($"{path} is not a COCO annotation file: it holds no JSON object.");
        var images = Objects(path, coco, "images").Select((image, i) => ReadImage(path, image, i)).ToList();
        foreach (var (annotation, i) in Objects(path, coco, "annotations").Select((annotation, i) => (annotation, i)))
            ScaleAnnotation(path, annotation, $"annotations[{i}]");
        return new AnnotationScaling(coco, images);
    }

    /// <summary>
    /// The file in the new frame: sides and boxes twice as large, areas four times, file names changed. <c>segmentation</c> and
    /// <c>keypoints</c>, which lie in the old frame too, are left out.
    /// </summary>
    /// <param name="newNames">The new name by old name. Images without one are left out, with their annotations.</param>
    public JsonObject ToNewFrame(IReadOnlyDictionary<string, string> newNames)
    {
        var scaled = (JsonObject)_root.DeepClone();
        var dropped = new HashSet<string>();
        var images = new JsonArray();
        foreach (var (node, image) in Take(scaled, "images").Zip(Images))
        {
            if (!newNames.TryGetValue(image.FileName, out var newName))
            {
                dropped.Add(image.Id);
                continue;
            }
            node["file_name"] = newName;
            node["width"] = Scale * image.Width;
            node["height"] = Scale * image.Height;
            images.Add(node);
        }
        var annotations = new JsonArray();
        foreach (var node in Take(scaled, "annotations").Where(node => !dropped.Contains(node["image_id"]?.ToJsonString() ?? "")))
            annotations.Add(node);
        scaled["images"] = images;
        scaled["annotations"] = annotations;
        return scaled;
    }

    // A node has one parent, and must leave it before it gets another.
    private static List<JsonNode> Take(JsonObject root, string key)
    {
        var array = (JsonArray)root[key]!;
        var nodes = array.Select(node => node!).ToList();
        array.Clear();
        return nodes;
    }

    private static void ScaleAnnotation(string path, JsonObject annotation, string place)
    {
        if (annotation["bbox"] is { } box)
        {
            if (box is not JsonArray { Count: 4 } sides)
                throw Bad(path, $"{place}.bbox", box, "[x, y, width, height]");
            for (var i = 0; i < 4; i++)
                sides[i] = Times(path, sides[i], Scale, $"{place}.bbox[{i}]");
        }
        if (annotation["area"] is { } area)
            annotation["area"] = Times(path, area, Scale * Scale, $"{place}.area");
        annotation.Remove("segmentation");
        annotation.Remove("keypoints");
        annotation.Remove("num_keypoints");
    }

    // In decimal, so that 236.98 becomes 473.96 and a whole number stays one.
    private static JsonValue Times(string path, JsonNode? node, int factor, string place)
    {
        if (node is JsonValue value && value.GetValueKind() == JsonValueKind.Number
            && value.TryGetValue<decimal>(out var number) && Math.Abs(number) < 1e15m)
            return JsonValue.Create(number * factor);
        throw Bad(path, place, node, "a number of a sensible size");
    }

    private static AnnotatedImage ReadImage(string path, JsonObject image, int index)
    {
        JsonNode Needed(string key) =>
            image[key] ?? throw new GenIspException($"{path}: images[{index}] has no \"{key}\".");
        int Side(string key) =>
            Needed(key) is JsonValue value && value.GetValueKind() == JsonValueKind.Number
            && value.TryGetValue<int>(out var side) && side is > 0 and <= int.MaxValue / Scale
                ? side
                : throw Bad(path, $"images[{index}].{key}", image[key], "a whole number above 0");
        var name = Needed("file_name");
        return new AnnotatedImage(
            Needed("id").ToJsonString(),
            name is JsonValue text && text.TryGetValue<string>(out var fileName)
                ? fileName
                : throw Bad(path, $"images[{index}].file_name", name, "text"),
            Side("width"), Side("height"));
    }

    private static IEnumerable<JsonObject> Objects(string path, JsonObject root, string key)
    {
        if (root[key] is not JsonArray array)
            throw new GenIspException($"{path} is not a COCO annotation file: it has no list \"{key}\".");
        return array.Select((item, i) => item as JsonObject ?? throw Bad(path, $"{key}[{i}]", item, "an object"));
    }

    private static GenIspException Bad(string path, string place, JsonNode? found, string expected)
    {
        var text = found?.ToJsonString() ?? "null";
        return new($"{path}: {place} is {(text.Length > 60 ? text[..60] + "…" : text)}, but must be {expected}.");
    }

    private static string Where(JsonException e) => e.LineNumber is long line ? $" (line {line + 1})" : "";
}
