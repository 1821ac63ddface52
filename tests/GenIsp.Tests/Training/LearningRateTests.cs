using CsCheck;
using GenIsp.Training;

namespace GenIsp.Tests.Training;

public sealed class LearningRateTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(322)] // RAW-NOD's Sony images in batches of 8
    public void The_papers_rate_falls_at_epochs_5_and_10_and_never_within_an_epoch(int stepsPerEpoch)
    {
        for (var step = 0; step < 15 * stepsPerEpoch; step++)
        {
            var expected = (step / stepsPerEpoch) switch
            {
                < 5 => 1e-2,
                < 10 => 1e-3,
                _ => 1e-4,
            };
            LearningRate.At(TrainingOptions.Paper, step, stepsPerEpoch).ShouldBe(expected, 1e-15, $"step {step}");
        }
    }

    [Fact]
    public void A_warm_up_rises_in_equal_steps_to_the_rate()
    {
        var options = new TrainingOptions { LearningRate = 1, WarmUpSteps = 4 };

        Enumerable.Range(0, 6).Select(step => LearningRate.At(options, step, 100)).ShouldBe([0.25, 0.5, 0.75, 1, 1, 1]);
    }

    [Fact]
    public void A_cosine_falls_from_the_rate_to_near_0() => (
        from epochs in Gen.Int[1, 50]
        from stepsPerEpoch in Gen.Int[1, 200]
        select (epochs, stepsPerEpoch)).Sample(shape =>
    {
        var options = new TrainingOptions { LearningRate = 0.3, Schedule = Schedule.Cosine, Epochs = shape.epochs };
        var count = shape.epochs * shape.stepsPerEpoch;
        double[] rates = [.. Enumerable.Range(0, count).Select(step => LearningRate.At(options, step, shape.stepsPerEpoch))];

        rates[0].ShouldBe(0.3);
        rates.Zip(rates.Skip(1)).ShouldAllBe(pair => pair.First > pair.Second);
        rates[count / 2].ShouldBe(0.15, 0.3 / count * 2);
        // One step before the cosine's end, where it is nearly flat.
        rates[^1].ShouldBeInRange(0, 0.3 * 2.5 / ((double)count * count));
    }, iter: 50);
}
