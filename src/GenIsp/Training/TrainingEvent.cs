using GenIsp.Detection;
using GenIsp.Evaluation;

namespace GenIsp.Training;

/// <summary>What a run tells of itself while it goes on.</summary>
public abstract record TrainingEvent
{
    /// <summary>Something is worth knowing, and the run goes on.</summary>
    /// <param name="Text">What.</param>
    public sealed record Warning(string Text) : TrainingEvent;

    /// <summary>The data and the detector are loaded.</summary>
    /// <param name="Images">Images in an epoch.</param>
    /// <param name="Steps">Steps of the whole run.</param>
    /// <param name="FirstStep">Where it goes on; 0 for a new run.</param>
    /// <param name="Precision">What the detector computes in.</param>
    public sealed record Started(int Images, long Steps, long FirstStep, DetectorPrecision Precision) : TrainingEvent;

    /// <summary>The steps that imitate a picture are over: from here on the detector teaches, and the loss is another.</summary>
    /// <param name="Step">Its first step, from 1.</param>
    public sealed record DetectorTeaches(long Step) : TrainingEvent;

    /// <summary>A step is made.</summary>
    /// <param name="Epoch">From 1.</param>
    /// <param name="Step">From 1, over all epochs.</param>
    /// <param name="Images">In the step.</param>
    /// <param name="Loss">What is minimised.</param>
    public sealed record StepDone(int Epoch, long Step, int Images, double Loss) : TrainingEvent;

    /// <summary>An epoch's network is being measured.</summary>
    /// <param name="Epoch">From 1.</param>
    public sealed record Validating(int Epoch) : TrainingEvent;

    /// <summary>An epoch is over, and saved.</summary>
    /// <param name="Epoch">From 1.</param>
    /// <param name="Loss">The mean over its steps.</param>
    /// <param name="Validation">The figures, or null where nothing is measured.</param>
    /// <param name="IsBest">Whether its AP is the highest so far.</param>
    /// <param name="Seconds">
    /// By stage: <c>data</c> (waiting for it), <c>ISP</c>, <c>detector</c>, <c>back</c>, <c>update</c>, <c>validation</c>; and where several
    /// processes train, <c>exchange</c> (of gradients, waiting for the slowest).
    /// </param>
    public sealed record EpochDone(
        int Epoch, double Loss, CocoMetrics? Validation, bool IsBest, IReadOnlyDictionary<string, double> Seconds) : TrainingEvent;

    /// <summary>The run is over, or was cancelled.</summary>
    /// <param name="Seconds">By stage, since it was started.</param>
    /// <param name="DataShare">Which share of the steps' time was spent waiting for data.</param>
    public sealed record Ended(IReadOnlyDictionary<string, double> Seconds, double DataShare) : TrainingEvent;
}

/// <summary>How a run ended.</summary>
/// <param name="IsComplete">False if it was cancelled, and can be resumed.</param>
/// <param name="Steps">Steps made, in all.</param>
public readonly record struct TrainingResult(bool IsComplete, long Steps);
