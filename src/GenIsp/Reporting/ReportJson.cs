using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using GenIsp.Evaluation;

namespace GenIsp.Reporting;

/// <summary>
/// A report's data as JSON for the page's script. The default encoder writes <c>&lt;</c>, <c>&gt;</c>, <c>&amp;</c> and quotes as
/// <c>\u003C</c>…, so no text can end the script element.
/// </summary>
internal static class ReportJson
{
    // More points than a chart has pixels show nothing more.
    private const int MostPoints = 1500;

    private const int RecallStep = 2;

    public static string Of(Report report)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("title", report.Title);
            json.WriteString("note", report.Note);
            json.WriteStartArray("facts");
            foreach (var (name, value) in report.Facts)
                Write(json, () => { json.WriteStringValue(name); json.WriteStringValue(value); });
            json.WriteEndArray();
            if (report.Training is { } training)
                Write(json, training);
            json.WriteStartArray("evaluations");
            foreach (var section in report.Evaluations)
                Write(json, section);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void Write(Utf8JsonWriter json, TrainingCurves training)
    {
        json.WriteStartObject("training");
        json.WriteStartArray("steps");
        var steps = training.Steps;
        var size = Math.Max(1, (steps.Count + MostPoints - 1) / MostPoints);
        foreach (var group in steps.Chunk(size))
        {
            Write(json, () =>
            {
                json.WriteNumberValue(group[^1].Step);
                WriteNumber(json, group[^1].LearningRate);
                foreach (var loss in (Func<TrainingStep, double?>[])[one => one.Loss, one => one.Imitation, one => one.Classification,
                    one => one.Boxes, one => one.Color])
                {
                    WriteNumber(json, group.Average(loss));
                }
            });
        }
        json.WriteEndArray();
        json.WriteStartArray("epochs");
        foreach (var epoch in training.Epochs)
        {
            Write(json, () =>
            {
                foreach (var number in (double?[])[epoch.Epoch, epoch.AP, epoch.AP50, epoch.AR100])
                    WriteNumber(json, number);
            });
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, EvaluationSection section)
    {
        json.WriteStartObject();
        json.WriteString("title", section.Title);
        json.WriteStartArray("rivals");
        foreach (var rival in section.Rivals)
        {
            json.WriteStartObject();
            json.WriteString("isp", rival.Isp);
            json.WriteString("detector", rival.Detector);
            json.WriteStartArray("figures");
            foreach (var (name, figures) in rival.Subsets.Prepend(KeyValuePair.Create("all", rival.All)))
                Write(json, name, figures);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("gallery");
        foreach (var image in section.Gallery)
            Write(json, image);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, string subset, CocoMetrics figures)
    {
        json.WriteStartObject();
        json.WriteString("subset", subset);
        json.WriteNumber("images", figures.Images);
        json.WriteNumber("boxes", figures.Boxes);
        (string Name, double Value)[] columns =
        [
            ("AP", figures.AP), ("AP50", figures.AP50), ("AP75", figures.AP75), ("APs", figures.APSmall), ("APm", figures.APMedium),
            ("APl", figures.APLarge), ("AR1", figures.AR1), ("AR10", figures.AR10), ("AR100", figures.AR100),
        ];
        json.WriteStartArray("metrics");
        foreach (var (name, value) in columns)
            Write(json, () => { json.WriteStringValue(name); WriteNumber(json, value); });
        json.WriteEndArray();
        json.WriteStartArray("classes");
        foreach (var (name, ap) in figures.PerClass)
        {
            if (!figures.PrecisionAt50.TryGetValue(name, out var precision))
                continue;
            json.WriteStartObject();
            json.WriteString("name", name);
            json.WriteNumber("ap", Math.Round(ap, 4));
            json.WriteStartArray("precision");
            for (var i = 0; i < precision.Count; i += RecallStep)
                WriteNumber(json, precision[i]);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, GalleryImage image)
    {
        json.WriteStartObject();
        json.WriteString("name", image.Name);
        if (image.Difference is { } difference)
            json.WriteNumber("difference", Math.Round(difference, 3));
        json.WriteStartArray("truth");
        foreach (var box in image.Truth)
            Write(json, box);
        json.WriteEndArray();
        var pictures = image.Views.Select(view => view.Picture).Distinct().ToList();
        json.WriteStartArray("pictures");
        foreach (var picture in pictures)
            json.WriteBase64StringValue(picture);
        json.WriteEndArray();
        json.WriteStartArray("views");
        foreach (var view in image.Views)
        {
            json.WriteStartObject();
            json.WriteNumber("picture", pictures.IndexOf(view.Picture));
            json.WriteNumber("width", view.Width);
            json.WriteNumber("height", view.Height);
            json.WriteStartArray("found");
            foreach (var box in view.Found)
                Write(json, box);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    // [class, x, y, width, height, score or null, is a crowd]
    private static void Write(Utf8JsonWriter json, GalleryBox box) => Write(json, () =>
    {
        json.WriteStringValue(box.Class);
        foreach (var number in (double?[])[box.X, box.Y, box.Width, box.Height, box.Score])
            WriteNumber(json, number);
        json.WriteBooleanValue(box.IsCrowd);
    });

    private static void Write(Utf8JsonWriter json, Action items)
    {
        json.WriteStartArray();
        items();
        json.WriteEndArray();
    }

    // JSON has no number that is not finite; more than six digits only make the page larger.
    private static void WriteNumber(Utf8JsonWriter json, double? number)
    {
        if (number is not { } value || !double.IsFinite(value))
            json.WriteNullValue();
        else
            json.WriteRawValue(value.ToString("g6", CultureInfo.InvariantCulture));
    }
}
