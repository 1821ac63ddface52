using System.Globalization;
using System.Text.Json;
using GenIsp.Data;

namespace GenIsp.Evaluation;

/// <summary>COCO's results files (https://cocodataset.org/#format-results): <c>[{image_id, category_id, bbox, score}]</c>.</summary>
public static class CocoResultsFile
{
    /// <summary>Reads a results file; ids are numbers or texts, other keys are passed over.</summary>
    /// <exception cref="GenIspException">It is missing, not JSON, no list, lacks keys, or a number is not finite.</exception>
    public static IReadOnlyList<CocoDetection> Read(string path) => CocoJsonReader.Parse(path, (ref CocoJsonReader json) =>
    {
        if (json.Kind == JsonTokenType.StartObject)
        {
            throw new GenIspException(
                $"{path} is no COCO results file, which is a list of {{image_id, category_id, bbox, score}}. Are these the annotations?");
        }
        var detections = new List<CocoDetection>();
        json.EnterList("");
        while (json.NextObject())
        {
            string? imageId = null;
            int? categoryId = null;
            CocoBox? box = null;
            double? score = null;
            while (json.NextKey())
            {
                switch (json.Key)
                {
                    case "image_id":
                        imageId = json.Id();
                        break;
                    case "category_id":
                        categoryId = json.Int();
                        break;
                    case "bbox":
                        box = json.Box();
                        break;
                    case "score":
                        score = json.Number();
                        break;
                    default:
                        json.Skip();
                        break;
                }
            }
            detections.Add(new CocoDetection(
                json.Needed(imageId, "image_id"), json.Needed(categoryId, "category_id"), json.Needed(box, "bbox"),
                json.Needed(score, "score")));
        }
        return detections;
    });

    /// <summary>Writes a results file. Ids that are whole numbers become numbers, as COCO's own are.</summary>
    /// <exception cref="GenIspException">The file can't be written.</exception>
    public static void Write(string path, IEnumerable<CocoDetection> detections) => AtomicFile.Write(path, stream =>
    {
        using var json = new Utf8JsonWriter(stream);
        json.WriteStartArray();
        foreach (var (imageId, categoryId, box, score) in detections)
        {
            json.WriteStartObject();
            if (long.TryParse(imageId, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
                && number.ToString(CultureInfo.InvariantCulture) == imageId)
            {
                json.WriteNumber("image_id", number);
            }
            else
            {
                json.WriteString("image_id", imageId);
            }
            json.WriteNumber("category_id", categoryId);
            json.WriteStartArray("bbox");
            foreach (var value in (ReadOnlySpan<double>)[box.X, box.Y, box.Width, box.Height])
                json.WriteNumberValue(value);
            json.WriteEndArray();
            json.WriteNumber("score", score);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    });
}
