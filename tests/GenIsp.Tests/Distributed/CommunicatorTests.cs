using GenIsp.Distributed;
using GenIsp.Tests.Training;
using GenIsp.Training;

namespace GenIsp.Tests.Distributed;

/// <summary>One test that starts another in several processes.</summary>
public sealed class CommunicatorTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Several_processes_work_as_one(int processes)
    {
        string[] test = ["-method", $"*.{nameof(CommunicatorTests)}.{nameof(In_each_process)}"];
        using var run = Mpirun.Start(processes, ["GenIsp.Tests.dll", "-noLogo", "-explicit", "only", .. test]);

        var (code, output, error) = await run.End();

        code.ShouldBe(0, output + error);
        output.Split("Total: 1, Errors: 0, Failed: 0").Length.ShouldBe(1 + processes, output);
    }

    [Fact(Explicit = true)]
    public void In_each_process()
    {
        using var world = Communicator.Join();
        try
        {
            Exchanges(world);
            A_batch_has_one_gradient(world);
        }
        catch (Exception error)
        {
            // The others would wait for this one.
            Console.WriteLine(error);
            world.Abort(1);
        }
    }

    private static void Exchanges(Communicator world)
    {
        world.Size.ShouldBeGreaterThan(1);
        var ranks = Enumerable.Range(0, world.Size).ToArray();
        T[] AtFirst<T>(params T[] values) => world.IsFirst ? values : [];

        float[] values = [world.Rank, 1, 0.5f];
        world.Sum(values);
        values.ShouldBe([ranks.Sum(), world.Size, 0.5f * world.Size]);

        float[] firsts = [world.Rank + 5];
        world.Broadcast(firsts);
        firsts.ShouldBe([5]);
        world.FirstOf((world.Rank, double.NaN, "ä")).ShouldBe((0, double.NaN, "ä"));

        world.Gather(new string('x', world.Rank)).ShouldBe(AtFirst([.. ranks.Select(rank => new string('x', rank))]));
        foreach (var count in (int[])[0, 1, world.Size, 7])
        {
            var all = Enumerable.Range(0, count).ToArray();
            world.Merge(world.Share(all).ToList()).ShouldBe(AtFirst(all));
        }

        world.Any(world.Rank == world.Size - 1).ShouldBeTrue();
        world.Any(false).ShouldBeFalse();
        world.ThreadsEach().ShouldBeInRange(1, Environment.ProcessorCount);
    }

    // Of four and of one image: then all processes but one have nothing to do.
    private static void A_batch_has_one_gradient(Communicator world)
    {
        var options = new TrainingOptions { Network = TinyPhotos.Quick, ColorLossWeight = 0.1, ClipNorm = 1, Seed = 3 };
        using var detector = new BrightDetector();
        using var shared = new Trainer(options, detector, world);
        using var alone = new Trainer(options, detector, Communicator.Alone);
        TrainingSample[] images = [.. "abcd".Select(name => TrainerTests.Sample($"{name}", 20 + name % 5, 16))];
        foreach (var batch in (TrainingSample[][])[images, [images[0]]])
        {
            var mine = shared.Step(new TrainingBatch(batch.Length, [.. world.Share(batch)]), 1e-3);
            var whole = alone.Step(batch, 1e-3);

            mine.Total.ShouldBe(whole.Total, 1e-5 * whole.Total);
            mine.GradientNorm.ShouldBe(whole.GradientNorm, 1e-4 * whole.GradientNorm);
        }
        var weights = shared.Save().ToDictionary(pair => pair.Key, pair => pair.Value.ToSingles());
        foreach (var others in world.Gather(weights))
        {
            foreach (var (name, values) in others)
                values.ShouldBe(weights[name], name);
        }
    }
}
