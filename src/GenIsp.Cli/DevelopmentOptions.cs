using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using GenIsp.Color;
using GenIsp.Isp;
using TorchSharp;

namespace GenIsp.Cli;

/// <summary>The options of every command that develops, and the way from a file to a picture.</summary>
internal sealed class DevelopmentOptions
{
    private const string Auto = "auto", Classical = "classical", Linear = "linear";

    private static readonly string[] Names = [Auto, IspFile.Shipped, Classical, Linear];

    private readonly Option<string[]> _isp = new("--isp")
    {
        Description = "auto (genisp where noise is, classical where light is), genisp, classical, linear, a .safetensors file, a training "
            + "run's folder, or one with the Delft .pth files",
        HelpName = "ISP",
    };

    private readonly Option<DevelopedSize?> _maxSize = new("--max-size")
    {
        Description = "Fit RAW pictures into this size, larger or smaller: unless given, that of the ISP's training, or 1333x800; "
            + "full is half the sensor's sides",
        HelpName = "LONGxSHORT|full",
        CustomParser = ParseSize,
    };

    private readonly Option<bool?> _antialias = new("--antialias")
    {
        Description = "Average RAW pictures where they shrink, or with false sample them: as the ISP was trained unless given, else false",
        HelpName = "true|false",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<(int, int)?> _crop = new("--crop")
    {
        Description = "Keep the central part of the sensor, as the camera's JPEG does, such as 5472x3648; boxes are then in its frame",
        HelpName = "WIDTHxHEIGHT",
        CustomParser = result => ParsePair(result) is var (width, height) ? (width, height) : null,
    };

    private readonly Option<CstDirection?> _cst = Choice.Optional(
        "--cst", "Use of the colour matrix, if not what the ISP was made for",
        ("inverse", CstDirection.Inverse), ("direct", CstDirection.Direct), ("none", CstDirection.None));

    private readonly Option<WhiteBalanceSource?> _whiteBalance = Choice.Optional(
        "--white-balance", "Of the classical ISP: the camera's own unless given",
        ("as-shot", WhiteBalanceSource.AsShot), ("gray-world", WhiteBalanceSource.GrayWorld));

    private readonly Option<double> _percentile = NumberOption.Create(
        "--percentile", "Of the classical ISP: the percentile of luminance that becomes white", "PERCENT",
        new ClassicalOptions().Percentile, percent => percent is > 0 and <= 100, "above 0 and at most 100");

    private readonly Option<Denoising?> _denoise = Choice.Optional(
        "--denoise", "Of the classical ISP: how noise is taken away, none unless given",
        ("none", Denoising.None), ("bilateral", Denoising.Bilateral));

    private readonly Option<string?> _device = DeviceOption.Create("GenISP and the detector compute");

    private readonly bool _severalIsps;
    private readonly string _default;

    /// <param name="severalIsps">For a command that compares ISPs on annotated images, where the annotations tell what to crop.</param>
    public DevelopmentOptions(bool severalIsps = false)
    {
        _severalIsps = severalIsps;
        _default = severalIsps ? Classical : Auto;
        _isp.DefaultValueFactory = _ => [_default];
        _isp.Distinct();
        if (severalIsps)
            _isp.Description += "; several are compared";
        _isp.CompletionSources.Add(Names);
        _maxSize.CompletionSources.Add("1333x800", "full");
    }

    public IEnumerable<Option> All =>
        [_isp, _maxSize, _antialias, .. _severalIsps ? [] : new Option[] { _crop }, _cst, .. ClassicalOnly, _device];

    private IEnumerable<Option> ClassicalOnly => [_whiteBalance, _percentile, _denoise];

    public void AddTo(Command command)
    {
        foreach (var option in All)
            command.Add(option);
        command.Validators.Add(result =>
        {
            // Before the default is there, and where a value is missing, there is none.
            string[] isps = [.. (result.GetResult(_isp)?.Tokens ?? []).Select(token => token.Value).DefaultIfEmpty(_default)];
            if (!_severalIsps && isps.Length > 1)
                result.AddError($"--isp is given {isps.Length} times, but this command develops with one.");
            if (!isps.Any(isp => isp is Auto or Classical))
            {
                foreach (var option in ClassicalOnly.Where(option => result.GetResult(option) is { Implicit: false }))
                    result.AddError($"{option.Name} is for the classical ISP only, not for {string.Join(", ", isps)}.");
            }
            var isGiven = result.GetResult(_cst) is { } cst && !cst.Errors.Any();
            if (isps.FirstOrDefault(isp => isp is Auto or Classical or Linear) is { } fixedSpace && isGiven
                && result.GetValue(_cst) is not (null or CstDirection.Inverse))
                result.AddError($"--cst is for GenISP networks: {fixedSpace} works in XYZ, which is --cst inverse.");
        });
    }

    /// <summary>Where all computes; null is the processor.</summary>
    /// <exception cref="GenIspException">There is no such card.</exception>
    public torch.Device? Device(ParseResult parsed) => DeviceOption.Open(parsed.GetValue(_device));

    /// <summary>Loads the ISP and says how its input is made.</summary>
    public Developer Load(ParseResult parsed) => LoadAll(parsed).Single();

    /// <summary>Loads all ISPs; none stays loaded if one can't be.</summary>
    public IReadOnlyList<Developer> LoadAll(ParseResult parsed)
    {
        var isps = parsed.GetValue(_isp)!;
        RequireThere(isps);
        var names = DisplayNames.Of(isps);
        var classical = new ClassicalOptions
        {
            WhiteBalance = parsed.GetValue(_whiteBalance) ?? WhiteBalanceSource.AsShot,
            Percentile = parsed.GetValue(_percentile),
            Denoise = parsed.GetValue(_denoise) ?? Denoising.None,
        };
        var loaded = new List<Developer>();
        try
        {
            foreach (var (name, isp) in names.Zip(isps))
            {
                if (isp == Auto)
                    loaded.Add(LoadAuto(parsed, classical));
                else
                    loaded.Add(new Developer(LoadWay(parsed, name, isp, classical)));
            }
            return loaded;
        }
        catch
        {
            loaded.ForEach(developer => developer.Dispose());
            throw;
        }
    }

    // The library, which would say so too, knows no auto.
    private static void RequireThere(IEnumerable<string> isps)
    {
        if (isps.FirstOrDefault(isp => !Names.Contains(isp) && !Path.Exists(isp)) is not { } missing)
            return;
        throw new GenIspException(
            $"There is no ISP \"{missing}\": it is none of {string.Join(", ", Names)}, and no such file or folder exists."
            + (Spelling.Nearest(missing, Names) is { } near ? $" Did you mean {near}?" : ""));
    }

    private Developer LoadAuto(ParseResult parsed, ClassicalOptions classical)
    {
        var noisy = LoadWay(parsed, IspFile.Shipped, IspFile.Shipped, classical);
        return new Developer(Auto, noisy, LoadWay(parsed, Classical, Classical, classical), noisy.Network!.AutoBelow!.Value);
    }

    private Way LoadWay(ParseResult parsed, string name, string isp, ClassicalOptions classical)
    {
        var way = Way.Of(
            isp == Classical && classical.Denoise == Denoising.Bilateral ? "classical-bilateral" : name,
            IspFile.Load(isp, parsed.GetValue(_cst), classical, Device(parsed)));
        return way with
        {
            Options = way.Options with
            {
                Cst = parsed.GetValue(_cst) ?? way.Options.Cst,
                MaxSize = parsed.GetValue(_maxSize) is { } size ? size.Limit : way.Options.MaxSize,
                Antialias = parsed.GetValue(_antialias) ?? way.Options.Antialias,
                Crop = parsed.GetValue(_crop),
            },
        };
    }

    private static DevelopedSize? ParseSize(ArgumentResult result)
    {
        if (result.Tokens.Count == 1 && result.Tokens[0].Value == "full")
            return new DevelopedSize(null);
        return ParsePair(result) is var (a, b) ? new DevelopedSize(new SizeLimit(Math.Max(a, b), Math.Min(a, b))) : null;
    }

    private static (int, int)? ParsePair(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        static int Side(string side) =>
            int.TryParse(side, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value is >= 1 and <= 32768 ? value : 0;
        var sides = text.Split('x', 'X', '×').Select(Side).ToArray();
        if (sides.Length == 2 && sides.All(side => side > 0))
            return (sides[0], sides[1]);
        result.AddError($"'{text}' is no size such as 1333x800, with sides from 1 to 32768.");
        return null;
    }
}

/// <summary>The value of --max-size; no limit is <c>full</c>.</summary>
internal sealed record DevelopedSize(SizeLimit? Limit)
{
    public override string ToString() => Limit?.ToString() ?? "full";
}
