namespace GenIsp.Training;

/// <summary>The learning rate of every step: a pure function, so that a resumed run needs no state for it.</summary>
internal static class LearningRate
{
    /// <param name="options">The schedule.</param>
    /// <param name="step">From 0, over all epochs.</param>
    /// <param name="stepsPerEpoch">At least 1.</param>
    public static double At(TrainingOptions options, long step, int stepsPerEpoch)
    {
        var factor = options.Schedule switch
        {
            Schedule.Steps => Math.Pow(options.Decay, options.Milestones.Count(milestone => step / stepsPerEpoch >= milestone)),
            Schedule.Cosine => 0.5 * (1 + Math.Cos(Math.PI * step / ((double)options.Epochs * stepsPerEpoch))),
            _ => throw new ArgumentOutOfRangeException(nameof(options), options.Schedule, "This schedule is unknown."),
        };
        var warmth = options.WarmUpSteps > 0 ? Math.Min(1, (StepOfPhase(options, step) + 1.0) / options.WarmUpSteps) : 1;
        return options.LearningRate * warmth * factor;
    }

    /// <summary>The step counted from the beginning of its phase, imitation or detection, from 0.</summary>
    public static long StepOfPhase(TrainingOptions options, long step) =>
        step < options.ImitationSteps ? step : step - options.ImitationSteps;
}
