using GenIsp.Training;

namespace GenIsp.Tests.Training;

internal static class WholeBatch
{
    /// <summary>One step of a process that is alone.</summary>
    public static StepLosses Step(this Trainer trainer, IReadOnlyList<TrainingSample> batch, double rate) =>
        trainer.Step(new TrainingBatch(batch.Count, batch), rate);
}
