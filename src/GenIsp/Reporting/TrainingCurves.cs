using System.Text.Json;

namespace GenIsp.Reporting;

/// <summary>How a training run went, as its <c>log.jsonl</c> tells.</summary>
/// <param name="Steps">The steps.</param>
/// <param name="Epochs">The epochs that are over.</param>
public sealed record TrainingCurves(IReadOnlyList<TrainingStep> Steps, IReadOnlyList<TrainingEpoch> Epochs)
{
    /// <summary>The diary's name in a run's folder.</summary>
    internal const string Log = "log.jsonl";

    /// <summary>Reads a run's log, or returns null where the folder holds none.</summary>
    /// <param name="folder">Of a run or not.</param>
    /// <exception cref="GenIspException">The log can't be read.</exception>
    public static TrainingCurves? ReadIfThere(string folder) => File.Exists(Path.Combine(folder, Log)) ? Read(folder) : null;

    /// <summary>
    /// Reads a run's log, also while it is being written. Lines that are not whole, and keys that are unknown, are passed over.
    /// </summary>
    /// <param name="folder">The run's.</param>
    /// <exception cref="GenIspException">The log can't be read.</exception>
    public static TrainingCurves Read(string folder)
    {
        var (steps, epochs) = (new List<TrainingStep>(), new List<TrainingEpoch>());
        using var lines = new StreamReader(InputFiles.Open(Path.Combine(folder, Log), FileShare.ReadWrite));
        while (lines.ReadLine() is { } line)
        {
            try
            {
                using var document = JsonDocument.Parse(line);
                Add(document.RootElement, steps, epochs);
            }
            catch (JsonException)
            {
            }
        }
        return new TrainingCurves(steps, epochs);
    }

    private static void Add(JsonElement line, List<TrainingStep> steps, List<TrainingEpoch> epochs)
    {
        if (Number(line, "step") is not { } step || Number(line, "epoch") is not { } epoch)
            return;
        if (Number(line, "learning_rate") is { } rate)
        {
            steps.Add(new TrainingStep(
                step, rate, Number(line, "loss"), Number(line, "imitation"), Number(line, "classification"), Number(line, "boxes"),
                Number(line, "color")));
        }
        else if (line.TryGetProperty("validation", out var figures))
        {
            epochs.Add(new TrainingEpoch(epoch, Number(figures, "AP"), Number(figures, "AP50"), Number(figures, "AR100")));
        }
    }

    // null: the loss was not finite, or nothing was measured.
    private static double? Number(JsonElement line, string key) =>
        line.ValueKind == JsonValueKind.Object && line.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.Number
            ? value.GetDouble()
            : null;
}

/// <summary>A step of training.</summary>
/// <param name="Step">From 1, over all epochs.</param>
/// <param name="LearningRate">Adam's.</param>
/// <param name="Loss">What is minimised: the sum of the others. Null where it was not finite; so for the others.</param>
/// <param name="Imitation">Of the picture to imitate.</param>
/// <param name="Classification">The detector's, of classes.</param>
/// <param name="Boxes">The detector's, of boxes.</param>
/// <param name="Color">The gray-world term.</param>
public readonly record struct TrainingStep(
    double Step, double LearningRate, double? Loss, double? Imitation, double? Classification, double? Boxes, double? Color);

/// <summary>An epoch of training, and COCO's figures after it; null where nothing was measured.</summary>
/// <param name="Epoch">From 1.</param>
/// <param name="AP">0..1, or −1 where there was nothing to find; so for the others.</param>
/// <param name="AP50">At IoU 0.50.</param>
/// <param name="AR100">With a hundred detections.</param>
public readonly record struct TrainingEpoch(double Epoch, double? AP, double? AP50, double? AR100);
