using GenIsp.Data;
using GenIsp.Detection;
using GenIsp.Distributed;

namespace GenIsp.Training;

/// <summary>What a run refuses, or warns of, before its first step.</summary>
internal static class TrainingChecks
{
    /// <summary>The keys that no run can do without and that are not set.</summary>
    public static IReadOnlyList<string> MissingOf(TrainingOptions options)
    {
        (string Key, string? Value)[] needed =
            [("detector", options.Detector), ("images", options.Images), ("annotations", options.Annotations)];
        return [.. needed.Where(pair => string.IsNullOrEmpty(pair.Value)).Select(pair => pair.Key)];
    }

    public static void RequireData(TrainingOptions options)
    {
        if (MissingOf(options) is { Count: > 0 } missing)
            throw new GenIspException($"The training options lack {string.Join(", ", missing)}: there is nothing to train with.");
        if (options.Simulation?.Cameras.Any(string.IsNullOrEmpty) is true)
            throw new GenIspException("A camera of the simulation has no name: see \"cameras\" in \"simulation\".");
        if (options.ValidationImages is null != options.ValidationAnnotations is null)
            throw new GenIspException("To measure the epochs, training needs both validation images and their annotations, or neither.");
    }

    public static void SayOdd(CocoDataset dataset, string fate, Action<TrainingEvent> report)
    {
        if (dataset.Degenerate.Count > 0)
        {
            report(new TrainingEvent.Warning(
                $"{dataset.Source}: what encloses nothing {fate}: {dataset.Degenerate.Count} boxes, the first is annotation "
                + $"{dataset.Degenerate[0].Id}"));
        }
    }

    public static void RefuseOverlap(CocoDataset training, CocoDataset? validation, Action<TrainingEvent> report)
    {
        if (validation is null)
            return;
        var overlap = SplitOverlap.Between(training.Images, validation.Images);
        if (overlap.Shared.Count > 0)
        {
            throw new GenIspException(
                $"{overlap.Shared.Count} images are in both {training.Source} and {validation.Source}, such as "
                + $"{string.Join(", ", overlap.Shared.Take(3))}. What was learned from can't be measured on: "
                + "take them out of one of the two.");
        }
        if (overlap.Adjacent > 0)
        {
            report(new TrainingEvent.Warning(
                $"{overlap.Adjacent} images of {validation.Source} are numbered next to one of {training.Source}: frames of one scene make "
                + "figures look better than they are"));
        }
    }

    // The same step would be of other images.
    public static void RefuseOtherData(string folder, RunPosition position, int stepsPerEpoch)
    {
        var start = (long)position.Epochs * stepsPerEpoch;
        if (position.Step < start || position.Step > start + stepsPerEpoch)
        {
            throw new GenIspException(
                $"{folder} was saved after step {position.Step} and {position.Epochs} epochs, but an epoch of these images has "
                + $"{stepsPerEpoch} steps: the annotations have changed since. Bring the old ones back, or start another run.");
        }
    }

    public static void SayUntaught(TrainingOptions options, long steps, Action<TrainingEvent> report)
    {
        if (options.ImitationSteps >= steps)
        {
            report(new TrainingEvent.Warning(
                $"all {steps} steps imitate a picture, for imitation_steps is {options.ImitationSteps}: the detector teaches nothing. Take "
                + "more images or epochs, or fewer imitation_steps in a file for --options"));
        }
    }

    public static void SayIdle(TrainingOptions options, Communicator world, Action<TrainingEvent> report)
    {
        if (options.BatchSize < world.Size)
        {
            report(new TrainingEvent.Warning(
                $"a step has {options.BatchSize} images for {world.Size} processes, so {world.Size - options.BatchSize} of them have "
                + "nothing to do: start fewer, or train with larger batches"));
        }
    }

    public static void SayUnmapped(CocoDataset dataset, Detector detector, Action<TrainingEvent> report)
    {
        var map = CategoryMap.Between(dataset.Categories, detector.Categories);
        if (map.Unmapped.Count > 0)
        {
            report(new TrainingEvent.Warning(
                $"{dataset.Source}: the detector does not know {string.Join(", ", map.Unmapped.Select(category => category.Name))}"));
        }
        foreach (var match in map.Matches.Where(match => !match.ByName))
        {
            report(new TrainingEvent.Warning(
                $"{dataset.Source}: {match.Annotation.Name} is taken for the detector's {match.Detector.Name}, "
                + $"for they share the id {match.Detector.Id}"));
        }
    }
}
