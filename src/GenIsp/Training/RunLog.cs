using System.Text.Json.Nodes;
using GenIsp.Evaluation;
using GenIsp.Imaging;
using GenIsp.Reporting;
using GenIsp.Training.Logging;

namespace GenIsp.Training;

/// <summary>
/// A run's diary: <c>log.jsonl</c> with a line a step, a line an epoch and one where the imitation ends; and the figures for TensorBoard,
/// with pictures.
/// </summary>
internal sealed class RunLog : IDisposable
{
    private readonly JsonLinesLog _lines;
    private readonly EventFile _events;

    private RunLog(JsonLinesLog lines, EventFile events) => (_lines, _events) = (lines, events);

    /// <summary>Begins a diary, or goes on with one: what it says of later steps is forgotten.</summary>
    /// <param name="folder">The run's.</param>
    /// <param name="step">Steps made so far.</param>
    /// <exception cref="GenIspException">The disk is full; so for all methods.</exception>
    public static RunLog Open(string folder, long step)
    {
        var lines = JsonLinesLog.Open(Path.Combine(folder, TrainingCurves.Log), step + 1);
        try
        {
            return new RunLog(lines, EventFile.Open(folder, step + 1, TimeProvider.System));
        }
        catch
        {
            lines.Dispose();
            throw;
        }
    }

    /// <summary>A step was made.</summary>
    public void Step(long step, int epoch, StepLosses losses, double rate)
    {
        _lines.Write(new JsonObject
        {
            ["step"] = step,
            ["epoch"] = epoch,
            ["loss"] = losses.Total,
            ["imitation"] = losses.Imitation,
            ["classification"] = losses.Classification,
            ["boxes"] = losses.Boxes,
            ["color"] = losses.Color,
            ["gradient_norm"] = losses.GradientNorm,
            ["learning_rate"] = rate,
        });
        _events.Scalars(
            step, ("loss/total", losses.Total), ("loss/imitation", losses.Imitation), ("loss/classification", losses.Classification),
            ("loss/boxes", losses.Boxes),
            ("loss/color", losses.Color), ("training/gradient_norm", losses.GradientNorm), ("training/learning_rate", rate));
    }

    /// <summary>The imitation is over, and with this step the detector begins to teach.</summary>
    public void DetectorTeaches(long step, int epoch) =>
        _lines.Write(new JsonObject { ["step"] = step, ["epoch"] = epoch, ["phase"] = "detector" });

    /// <summary>An epoch is over.</summary>
    public void Epoch(long step, int epoch, double loss, CocoMetrics? figures, IReadOnlyDictionary<string, double> seconds)
    {
        _lines.Write(new JsonObject
        {
            ["step"] = step,
            ["epoch"] = epoch,
            ["mean_loss"] = loss,
            ["validation"] = figures?.ToJson(),
            ["data_share"] = Math.Round(StepClock.DataShare(seconds), 4),
            ["seconds"] = new JsonObject(seconds.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)Math.Round(pair.Value, 3)))),
        });
        if (figures is not null)
            _events.Scalars(step, ("validation/AP", figures.AP), ("validation/AP50", figures.AP50), ("validation/AR100", figures.AR100));
        _events.Flush();
    }

    /// <summary>What the ISP makes of a few images, and with which gains and colours.</summary>
    public void Sample(long step, string name, RgbImage picture, ReadOnlySpan<float> gains, ReadOnlySpan<float> matrix)
    {
        _events.Image(step, $"pictures/{name}", picture);
        for (var i = 0; i < gains.Length; i++)
            _events.Scalars(step, ($"white_balance/{name}/{"XYZ"[i]}", gains[i]));
        for (var i = 0; i < matrix.Length; i++)
            _events.Scalars(step, ($"color_matrix/{name}/{i / 3 + 1}{i % 3 + 1}", matrix[i]));
    }

    public void Dispose()
    {
        _lines.Dispose();
        _events.Dispose();
    }
}
