using System.Globalization;
using GenIsp.Color;
using GenIsp.Distributed;
using GenIsp.Imaging;
using GenIsp.Isp;
using GenIsp.Raw;

namespace GenIsp.Cli;

/// <summary>An ISP and how its input is made.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Isp">Its own.</param>
/// <param name="Options">How its input is made.</param>
internal sealed record Way(string Name, IIsp Isp, LinearOptions Options) : IDisposable
{
    /// <summary>An ISP with the input that it works best on.</summary>
    public static Way Of(string name, IIsp isp) => new(name, isp, isp.Input);

    /// <summary>What its GenISP network's weights do not show; null where it has none.</summary>
    public GenIspOptions? Network => Isp switch
    {
        FusedGenIsp fused => fused.Options,
        GenIspModel model => model.Options,
        _ => null,
    };

    /// <summary>Develops a sensor's picture, or its central part.</summary>
    public RgbImage Develop(SensorImage sensor, (int Width, int Height)? crop) =>
        Isp.Develop(LinearPipeline.ToLinear(sensor, Options with { Crop = crop }));

    public void Dispose() => Isp.Dispose();
}

/// <summary>From a file to a developed picture: by one ISP, or by the one of two that serves the photo's noise better.</summary>
internal sealed class Developer : IDisposable
{
    // More choices than these are counted, not listed.
    private const int MostListed = 4;

    private readonly Way _first;
    private readonly Way? _bright;
    private readonly double _threshold;
    private readonly List<(string Source, string Way, double Decibels)> _choices = [];

    /// <param name="way">Its own from now on.</param>
    public Developer(Way way) => (Name, _first) = (way.Name, way);

    /// <param name="name">What it is called in tables.</param>
    /// <param name="noisy">For photos whose signal-to-noise ratio is below the threshold.</param>
    /// <param name="bright">For the others.</param>
    /// <param name="threshold">In decibels; see <see cref="SignalToNoise"/>.</param>
    public Developer(string name, Way noisy, Way bright, double threshold) =>
        (Name, _first, _bright, _threshold) = (name, noisy, bright, threshold);

    /// <summary>What it is called in tables.</summary>
    public string Name { get; }

    /// <summary>Tells which ISP was taken for which photo, if there was a choice; of all processes together.</summary>
    public void SayChoices(Terminal terminal, Communicator world)
    {
        var choices = world.Gather(_choices).SelectMany(one => one).ToList();
        var text = choices.Count <= MostListed
            ? string.Join("; ", choices.Select(choice => string.Create(
                CultureInfo.InvariantCulture, $"{choice.Way} for {Path.GetFileName(choice.Source)} ({choice.Decibels:0.0} dB)")))
            : string.Join(", ", choices.CountBy(choice => choice.Way).Select(pair => $"{pair.Key} for {pair.Value}")) + " photos";
        if (choices.Count > 0)
            terminal.Say($"{Name}: {text}");
    }

    /// <summary>Ordinary photos are developed already, and skip the ISP.</summary>
    public static bool IsDeveloped(string path) => PictureFile.IsPhoto(path) && !RawReader.IsMosaic(path);

    /// <summary>The ISP that serves a photo.</summary>
    public Way For(Lazy<SensorImage> sensor)
    {
        if (_bright is null)
            return _first;
        var decibels = SignalToNoise.Measure(sensor.Value);
        var way = decibels < _threshold ? _first : _bright;
        _choices.Add((sensor.Value.Source, way.Name, decibels));
        return way;
    }

    public RgbImage Develop(string path, StageClock clock)
    {
        if (IsDeveloped(path))
            return clock.Measure("read", () => PictureFile.Read(path));
        var sensor = clock.Measure("read", () => RawReader.Read(path));
        var way = For(new Lazy<SensorImage>(sensor));
        var linear = clock.Measure("colour", () => LinearPipeline.ToLinear(sensor, way.Options));
        return clock.Measure("ISP", () => way.Isp.Develop(linear));
    }

    public void Dispose()
    {
        _first.Dispose();
        _bright?.Dispose();
    }
}
