using System.Diagnostics;
using System.Globalization;
using GenIsp.Training;

namespace GenIsp.Cli;

/// <summary>Shows a run: a line that changes with each step, or in a log comes now and then, and one that stays for each epoch.</summary>
internal sealed class TrainingProgress(Terminal terminal, int epochs) : IDisposable
{
    private readonly StatusLine _line = new(terminal);
    private long _started = Stopwatch.GetTimestamp();
    private TrainingEvent.Started _run = new(0, 0, 0, default);
    private (double Seconds, long Images) _training;
    private long _lastStep;

    public void Show(TrainingEvent news)
    {
        switch (news)
        {
            case TrainingEvent.Warning warning:
                terminal.Say($"genisp: {warning.Text}");
                break;
            case TrainingEvent.Started run:
                (_run, _started, _lastStep) = (run, Stopwatch.GetTimestamp(), Stopwatch.GetTimestamp());
                terminal.Say(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{run.Images} images, {epochs} epochs, {run.Steps} steps"
                    + $"{From(run)}; the detector computes in "
                    + $"{PrecisionOption.NameOf(run.Precision)}"));
                break;
            case TrainingEvent.DetectorTeaches phase:
                _line.Show("");
                terminal.Say($"step {phase.Step}: until here a picture was imitated, now the detector teaches; its loss is not comparable");
                break;
            case TrainingEvent.StepDone step:
                _training = (_training.Seconds + Stopwatch.GetElapsedTime(_lastStep).TotalSeconds, _training.Images + step.Images);
                _lastStep = Stopwatch.GetTimestamp();
                _line.Show(FormattableString.Invariant($"epoch {step.Epoch}/{epochs} {Bar(step.Step)} step {step.Step}/{_run.Steps}  ")
                    + FormattableString.Invariant($"loss {step.Loss:0.000}  {_training.Images / _training.Seconds:0.0} images/s  ")
                    + $"{TimeLeft(step.Step)} left");
                break;
            case TrainingEvent.Validating validating:
                _line.Show($"epoch {validating.Epoch}/{epochs}  measuring…");
                break;
            case TrainingEvent.EpochDone epoch:
                _lastStep = Stopwatch.GetTimestamp();
                _line.Show("");
                terminal.Say(Describe(epoch));
                break;
            case TrainingEvent.Ended { Seconds.Count: > 0 } end:
                _line.Show("");
                terminal.Say(FormattableString.Invariant(
                    $"waited for data {100 * end.DataShare:0.0} % of the time ({end.Seconds.GetValueOrDefault(StepClock.Data):0.0} s)"));
                break;
        }
    }

    public void Dispose() => _line.Dispose();

    private static string From(TrainingEvent.Started run) => run.FirstStep == 0 ? ""
        : run.FirstStep < run.Steps ? $", from step {run.FirstStep} on"
        : ", all made already";

    private string Describe(TrainingEvent.EpochDone epoch)
    {
        var figures = epoch.Validation is { } found
            ? FormattableString.Invariant($"  AP {100 * found.AP:0.0} %  AP50 {100 * found.AP50:0.0} %")
                + (epoch.IsBest ? "  best so far" : "")
            : "";
        var seconds = string.Join(", ", epoch.Seconds.Select(stage => FormattableString.Invariant($"{stage.Key} {stage.Value:0.0}")));
        return FormattableString.Invariant($"epoch {epoch.Epoch}/{epochs}  loss {epoch.Loss:0.000}{figures}  ({seconds} s)");
    }

    private string Bar(long step) => _line.Bar((double)step / Math.Max(1, _run.Steps));

    // Measuring and saving count too: it is the time until the end.
    private string TimeLeft(long step) =>
        StatusLine.Duration(Stopwatch.GetElapsedTime(_started).TotalSeconds / (step - _run.FirstStep) * (_run.Steps - step));
}
