using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Parsing;
using System.Globalization;
using GenIsp.Data;
using GenIsp.Detection;
using GenIsp.Distributed;
using GenIsp.Downloads;
using TorchSharp;

namespace GenIsp.Cli;

/// <summary>An option whose value is one of a few words.</summary>
internal static class Choice
{
    /// <summary>Without a default, the option's value is null where it is not given.</summary>
    public static Option<T?> Optional<T>(string name, string description, params (string Word, T Value)[] choices)
        where T : struct
    {
        var option = new Option<T?>(name)
        {
            Description = description,
            HelpName = string.Join('|', choices.Select(choice => choice.Word)),
            CustomParser = result =>
            {
                var word = result.Tokens[0].Value;
                foreach (var choice in choices)
                {
                    if (choice.Word.Equals(word, StringComparison.OrdinalIgnoreCase))
                        return choice.Value;
                }
                result.AddError($"{name} is '{word}', but must be {string.Join(", ", choices.SkipLast(1).Select(choice => choice.Word))}"
                    + $" or {choices[^1].Word}.");
                return null;
            },
        };
        option.CompletionSources.Clear();
        option.CompletionSources.Add(_ => choices.Select(choice => new CompletionItem(choice.Word)));
        return option;
    }
}

/// <summary>What a detector computes in.</summary>
internal static class PrecisionOption
{
    /// <summary>For commands that only look: there, mixed is float32.</summary>
    public static Option<DetectorPrecision?> ToDetect() => Choice.Optional(
        "--precision",
        "What the detector computes in. bfloat16 is faster under a large detector where the processor has it, and changes what is found a "
        + "little [default: float32]",
        ("float32", DetectorPrecision.Float32), ("bfloat16", DetectorPrecision.Bfloat16));

    /// <summary>The word for it.</summary>
    public static string NameOf(DetectorPrecision precision) => precision.ToString().ToLowerInvariant();

    /// <summary>For training.</summary>
    public static Option<DetectorPrecision?> ToTrain() => Choice.Optional(
        "--precision",
        "What the detector computes in: mixed goes back in bfloat16 where that is faster; auto is mixed where the processor has that, else "
        + "float32; bfloat16 goes there and back in it, and bends the gradient [default: float32]",
        ("auto", DetectorPrecision.Auto), ("float32", DetectorPrecision.Float32), ("mixed", DetectorPrecision.Mixed),
        ("bfloat16", DetectorPrecision.Bfloat16));
}

/// <summary>Where libtorch computes.</summary>
internal static class DeviceOption
{
    /// <param name="what">What computes there, for the help.</param>
    public static Option<string?> Create(string what)
    {
        var option = new Option<string?>("--device")
        {
            Description = $"Where {what}: the processor, or a CUDA card in a build with -p:TorchBackend=cuda, where libtorch runs GenISP "
                + "too [default: cpu]",
            HelpName = "cpu|cuda|cuda:N",
        };
        option.CompletionSources.Add("cpu", "cuda");
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var name }] && !TorchDevice.IsName(name))
                result.AddError($"--device is '{name}', but must be cpu, cuda or cuda:N.");
        });
        return option;
    }

    /// <summary>The device, or null for the processor: so libtorch is not asked before it is needed.</summary>
    /// <exception cref="GenIspException">There is no such card.</exception>
    public static torch.Device? Open(string? name) => name is null or "cpu" ? null : TorchDevice.Of(name);
}

/// <summary>An option whose value is a number within bounds.</summary>
internal static class NumberOption
{
    /// <param name="name">Such as <c>--score</c>.</param>
    /// <param name="description">For the help.</param>
    /// <param name="helpName">What stands for the number in the help.</param>
    /// <param name="value">The default.</param>
    /// <param name="isValid">Whether a number will do.</param>
    /// <param name="rule">Which numbers will do, such as <c>from 0 to 1</c>.</param>
    public static Option<double> Create(
        string name, string description, string helpName, double value, Func<double, bool> isValid, string rule) => new(name)
        {
            Description = description,
            HelpName = helpName,
            DefaultValueFactory = _ => value,
            CustomParser = result => Parse(result, name, isValid, rule) ?? value,
        };

    /// <summary>Without a default, the option's value is null where it is not given; who takes it checks its bounds.</summary>
    public static Option<double?> Optional(string name, string description, string helpName) => new(name)
    {
        Description = description,
        HelpName = helpName,
        CustomParser = result => Parse(result, name, double.IsFinite, "such as 0.01"),
    };

    /// <summary>The same for whole numbers.</summary>
    public static Option<int?> Whole(string name, string description, string helpName) => new(name)
    {
        Description = description,
        HelpName = helpName,
        CustomParser = result => (int?)Parse(
            result, name, number => number >= 0 && number <= int.MaxValue && number == (int)number, "without a fraction"),
    };

    private static double? Parse(ArgumentResult result, string name, Func<double, bool> isValid, string rule)
    {
        var text = result.Tokens[0].Value;
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && isValid(number))
            return number;
        result.AddError($"{name} is '{text}', but must be a number {rule}.");
        return null;
    }
}

/// <summary>The options that say what simulated nights are like.</summary>
internal static class NightOption
{
    public static Option<LogRange?> Darkness() => new("--darkness")
    {
        Description = $"Exposures are 1/k of the photo's, with k from this range [default: {new NightOptions().Darkness}]",
        CustomParser = ParseRange,
        HelpName = "FROM..TO",
    };

    public static Option<LogRange?> Noise()
    {
        var noise = new Option<LogRange?>("--noise")
        {
            Description = "Shot noise: moderate, hard, or the range of its variance at white, such as 1e-4..6e-3 [default: moderate]",
            CustomParser = result => result.Tokens[0].Value switch
            {
                "moderate" => NightOptions.ModerateNoise,
                "hard" => NightOptions.HardNoise,
                _ => ParseRange(result),
            },
            HelpName = "moderate|hard|FROM..TO",
        };
        noise.CompletionSources.Add("moderate", "hard");
        return noise;
    }

    public static Option<bool> NeutralLight() => new("--neutral-light") { Description = "All light is D65, as in the photos" };

    private static LogRange? ParseRange(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (LogRange.TryParse(text, out var range))
            return range;
        result.AddError($"'{text}' is no range such as 10..100 of numbers above 0.");
        return null;
    }
}

/// <summary>How much of the disk decoded RAW files may take.</summary>
internal static class CacheOption
{
    public static Option<long?> Create() => new("--cache-size")
    {
        Description = "Decoded RAW files are kept on the disk, where the next epoch or run finds them; so much at most, such as 500MB, "
            + $"and with 0 nothing [default: {ByteSize.Text(ImageCache.DefaultSize)}]",
        HelpName = "SIZE",
        CustomParser = result =>
        {
            if (ByteSize.TryParse(result.Tokens[0].Value, out var size))
                return size;
            result.AddError($"--cache-size is '{result.Tokens[0].Value}', but must be a size such as 500MB, or 0.");
            return null;
        },
    };

    /// <summary>The cache, or null for 0; what speaks against one is told.</summary>
    public static ImageCache? Open(Terminal terminal, long? size)
    {
        try
        {
            return size == 0 ? null : new ImageCache(ImageCache.DefaultFolder, size ?? ImageCache.DefaultSize);
        }
        catch (GenIspException error)
        {
            terminal.Say($"genisp: decoded RAW files are not kept: {error.Message}");
            return null;
        }
    }

    /// <summary>Tells what the cache was good for, and what was wrong with it; of all processes together.</summary>
    public static void SayUse(Terminal terminal, Communicator world, ImageCache? cache)
    {
        var troubles = new List<string>();
        while (cache?.TakeWarning() is { } trouble)
            troubles.Add(trouble);
        foreach (var trouble in world.Gather(troubles).SelectMany(ofOne => ofOne).Distinct())
            terminal.Say($"genisp: {trouble}");
        var (found, made) = (world.Gather(cache?.Found ?? 0).Sum(), world.Gather(cache?.Made ?? 0).Sum());
        if (found + made > 0)
            terminal.Say($"{found} images came from the cache, {made} were decoded");
    }
}

/// <summary>Options that may be given several times.</summary>
internal static class Repeated
{
    /// <summary>Refuses the same value twice.</summary>
    public static Option<string[]> Distinct(this Option<string[]> option)
    {
        option.Validators.Add(result =>
        {
            foreach (var (value, _) in result.Tokens.CountBy(token => token.Value).Where(pair => pair.Value > 1))
                result.AddError($"{option.Name} {value} is given twice.");
        });
        return option;
    }
}

/// <summary>The argument of commands that work on pictures.</summary>
internal static class InputArgument
{
    public static Argument<string[]> Create(string name, string description)
    {
        var argument = new Argument<string[]>(name) { Description = description, Arity = ArgumentArity.OneOrMore };
        // A mistyped option would otherwise be taken for a file.
        argument.Validators.Add(result =>
        {
            foreach (var token in result.Tokens.Where(token => token.Value.StartsWith("--", StringComparison.Ordinal)))
                result.AddError($"The option {token.Value} is unknown.");
        });
        return argument;
    }
}
