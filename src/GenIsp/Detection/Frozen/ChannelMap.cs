using System.Runtime.CompilerServices;

namespace GenIsp.Detection.Frozen;

/// <summary>Where the channels of some images go, each to one place.</summary>
internal sealed class ChannelMap
{
    /// <param name="images">Channels of each image.</param>
    /// <param name="results">Of each result the channels, counted over all images; in all of them each channel once.</param>
    public ChannelMap(IReadOnlyList<int> images, IReadOnlyList<IReadOnlyList<int>> results)
    {
        if (!results.SelectMany(channels => channels).Order().SequenceEqual(Enumerable.Range(0, images.Sum())))
            throw new ArgumentException("Not every channel goes to one place.", nameof(results));
        Results = [.. results.Select(channels => channels.Count)];
        (int Image, int Channel)[] places = [.. images.SelectMany((count, image) => Enumerable.Range(0, count).Select(i => (image, i)))];
        Runs =
        [
            .. results.Index().SelectMany(result => result.Item
                .Select((from, to) => (places[from].Image, From: places[from].Channel, To: to))
                .GroupBy(pair => pair.Image)
                .SelectMany(pairs => RunsOf(pairs.Key, result.Index, [.. pairs.Select(pair => (pair.From, pair.To))]))),
        ];
        RunsBack = [.. Runs.Select(run => run.Back)];
    }

    /// <summary>Channels of each result.</summary>
    public IReadOnlyList<int> Results { get; }

    /// <summary>From the images to the results.</summary>
    public ChannelRun[] Runs { get; }

    /// <summary>From the results to the images.</summary>
    public ChannelRun[] RunsBack { get; }

    // As long as both sides go on by the same steps.
    private static IEnumerable<ChannelRun> RunsOf(int image, int result, (int From, int To)[] pairs)
    {
        for (var first = 0; first < pairs.Length;)
        {
            var count = 1;
            var (fromStep, toStep) = first + 1 < pairs.Length
                ? (pairs[first + 1].From - pairs[first].From, pairs[first + 1].To - pairs[first].To)
                : (1, 1);
            while (first + count < pairs.Length && pairs[first + count].From - pairs[first + count - 1].From == fromStep
                && pairs[first + count].To - pairs[first + count - 1].To == toStep)
                count++;
            yield return new ChannelRun(image, pairs[first].From, fromStep, result, pairs[first].To, toStep, count);
            first += count;
        }
    }
}

/// <summary>Channels that go together.</summary>
/// <param name="From">The image's number.</param>
/// <param name="FirstFrom">The first channel there.</param>
/// <param name="FromStep">To the next.</param>
/// <param name="To">The result's number.</param>
/// <param name="FirstTo">The first channel there.</param>
/// <param name="ToStep">To the next.</param>
/// <param name="Count">How many.</param>
internal readonly record struct ChannelRun(int From, int FirstFrom, int FromStep, int To, int FirstTo, int ToStep, int Count)
{
    /// <summary>The other way.</summary>
    public ChannelRun Back => new(To, FirstTo, ToStep, From, FirstFrom, FromStep, Count);

    /// <summary>Copies them, in some pixels.</summary>
    /// <param name="from">The image's first of these pixels.</param>
    /// <param name="fromChannels">The image's channels.</param>
    /// <param name="to">The result's first of these pixels.</param>
    /// <param name="toChannels">The result's channels.</param>
    /// <param name="pixels">How many pixels.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public unsafe void Copy(float* from, int fromChannels, float* to, int toChannels, int pixels)
    {
        from += FirstFrom;
        to += FirstTo;
        for (; pixels > 0; pixels--, from += fromChannels, to += toChannels)
        {
            if (FromStep == 1 && ToStep == 1)
            {
                new ReadOnlySpan<float>(from, Count).CopyTo(new Span<float>(to, Count));
                continue;
            }
            float* source = from, target = to;
            for (var i = 0; i < Count; i++, source += FromStep, target += ToStep)
                *target = *source;
        }
    }
}
