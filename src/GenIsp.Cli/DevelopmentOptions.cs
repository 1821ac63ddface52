using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using GenIsp.Color;
using GenIsp.Imaging;
using GenIsp.Isp;
using GenIsp.Raw;

namespace GenIsp.Cli;

/// <summary>The options of every command that develops, and the way from a file to a picture.</summary>
internal sealed class DevelopmentOptions
{
    private readonly Option<string> _isp = new("--isp")
    {
        Description = "linear, classical, a .safetensors file, or a folder with the Delft .pth files",
        DefaultValueFactory = _ => "classical",
        HelpName = "ISP",
    };

    private readonly Option<DevelopedSize> _maxSize = new("--max-size")
    {
        Description = "Fit RAW pictures into this size, larger or smaller as they are; full is half the sensor's sides",
        HelpName = "LONGxSHORT|full",
        DefaultValueFactory = _ => new DevelopedSize(SizeLimit.Detection),
        CustomParser = ParseSize,
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

    public DevelopmentOptions()
    {
        _isp.CompletionSources.Add("linear", "classical");
        _maxSize.CompletionSources.Add("1333x800", "full");
    }

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _isp, _maxSize, _crop, _cst, _whiteBalance, _percentile })
            command.Add(option);
        command.Validators.Add(result =>
        {
            var isp = result.GetValue(_isp) is { Length: > 0 } given ? given : "classical";
            if (isp != "classical")
            {
                Option[] classicalOnly = [_whiteBalance, _percentile];
                foreach (var option in classicalOnly.Where(option => result.GetResult(option) is { Implicit: false }))
                    result.AddError($"{option.Name} is for the classical ISP only, not for {isp}.");
            }
            var isGiven = result.GetResult(_cst) is { } cst && !cst.Errors.Any();
            if (isp is "classical" or "linear" && isGiven && result.GetValue(_cst) is not (null or CstDirection.Inverse))
                result.AddError($"--cst is for GenISP networks: {isp} works in XYZ, which is --cst inverse.");
        });
    }

    /// <summary>Loads the ISP and says how its input is made.</summary>
    public Developer Load(ParseResult parsed)
    {
        var isp = IspFile.Load(
            parsed.GetValue(_isp)!, parsed.GetValue(_cst),
            new ClassicalOptions
            {
                WhiteBalance = parsed.GetValue(_whiteBalance) ?? WhiteBalanceSource.AsShot,
                Percentile = parsed.GetValue(_percentile),
            });
        return new Developer(isp, new LinearOptions
        {
            Cst = parsed.GetValue(_cst) ?? isp.Cst,
            MaxSize = parsed.GetValue(_maxSize)!.Limit,
            Crop = parsed.GetValue(_crop),
        });
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
        var sides = text.Split('x', 'X', '×').Select(side =>
            int.TryParse(side, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value is >= 1 and <= 32768 ? value : 0).ToArray();
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

/// <summary>From a file to a developed picture. Ordinary photos are developed already, and skip the ISP.</summary>
internal sealed class Developer(IIsp isp, LinearOptions options) : IDisposable
{
    public RgbImage Develop(string path, StageClock clock)
    {
        if (PictureFile.IsPhoto(path) && !RawReader.IsMosaic(path))
            return clock.Measure("read", () => PictureFile.Read(path));
        var sensor = clock.Measure("read", () => RawReader.Read(path));
        var linear = clock.Measure("colour", () => LinearPipeline.ToLinear(sensor, options));
        return clock.Measure("ISP", () => isp.Develop(linear));
    }

    public void Dispose() => isp.Dispose();
}
