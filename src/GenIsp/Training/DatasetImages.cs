using GenIsp.Color;
using GenIsp.Data;
using GenIsp.Geometry;
using GenIsp.Imaging;
using GenIsp.Isp;
using GenIsp.Raw;

namespace GenIsp.Training;

/// <summary>An image of a data set in linear light.</summary>
/// <param name="Image">In the annotations.</param>
/// <param name="Linear">Its pixels.</param>
/// <param name="Annotations">Where the annotations lie in its picture.</param>
/// <param name="Guide">The picture to imitate, of the same size, where that was asked for.</param>
internal sealed record DatasetImage(CocoImage Image, LinearImage Linear, AnnotationFrame Annotations, RgbImage? Guide)
{
    /// <summary>An annotated box in the image's pixels; it may reach outside.</summary>
    public Box ToPixels(CocoBox box) => Linear.Frame.FromSource(Annotations.ToPicture(box.ToBox()));

    /// <summary>A box in the image's pixels in those of the annotations.</summary>
    public CocoBox FromPixels(Box box)
    {
        var annotated = Annotations.FromPicture(Linear.Frame.ToSource(box));
        return new CocoBox(annotated.X1, annotated.Y1, annotated.Width, annotated.Height);
    }
}

/// <summary>
/// The images of an annotation file, each with its file: RAW files and mosaics as they are, or photos that become simulated nights.
/// Everything here is managed code, which may run on any thread beside the network.
/// </summary>
internal sealed class DatasetImages
{
    // The photo as it is; at half the light, so that no colour of it saturates.
    private static readonly NightParameters Day = new(Darkness: 2, ShotNoise: 0, ReadNoise: 0, RedGain: 1, BlueGain: 1);

    private readonly LinearOptions _linear;
    private readonly NightSimulation? _simulation;
    private readonly AnnotatedReader _reader;
    private readonly SimulatedCamera[] _cameras;
    private readonly IReadOnlyDictionary<CocoImage, string> _files;

    /// <exception cref="GenIspException">
    /// Images have no file: they are counted, and the first are named. Or a camera is unknown.
    /// </exception>
    public DatasetImages(
        CocoDataset dataset, string folder, LinearOptions linear, NightSimulation? simulation, ImageCache? cache = null)
    {
        (Dataset, _linear, _simulation, _reader) = (dataset, linear, simulation, new AnnotatedReader(cache));
        _cameras = [.. (simulation?.Cameras ?? []).Select(SimulatedCamera.Load)];
        if (simulation is not null && _cameras.Length == 0)
            throw new GenIspException("The simulation has no camera: \"cameras\" is empty.");
        _files = new ImageFolder(folder).FindAll(dataset);
    }

    /// <summary>The annotations.</summary>
    public CocoDataset Dataset { get; }

    private LinearOptions ForPeople => _linear with { Cst = CstDirection.Inverse };

    /// <summary>Reads an image.</summary>
    /// <param name="image">One of the data set's.</param>
    /// <param name="seed">Determines its simulated night.</param>
    /// <param name="withGuide">
    /// Whether it comes with a picture to imitate: of a simulated night the photo itself, of a RAW file what the classical ISP makes of it,
    /// its noise filtered.
    /// </param>
    /// <exception cref="GenIspException">
    /// The file can't be read, its annotations don't fit it, or it is a photo and not simulated.
    /// </exception>
    public DatasetImage Read(CocoImage image, ulong seed, bool withGuide = false)
    {
        var file = _files[image];
        var isPhoto = PictureFile.IsPhoto(file) && !RawReader.IsMosaic(file);
        if (isPhoto && _simulation is null)
        {
            throw new GenIspException(
                $"{file} is an ordinary photo: its camera has developed it already. Train on RAW files, or simulate nights (--simulate).");
        }
        if (!isPhoto && _simulation is not null)
            throw new GenIspException($"{file} is a RAW file, and nights can be simulated of photos only. Leave out --simulate.");
        return isPhoto ? Simulate(file, image, seed, withGuide) : ReadRaw(file, image, withGuide);
    }

    private DatasetImage ReadRaw(string file, CocoImage image, bool withGuide)
    {
        var sensor = new Lazy<SensorImage>(() => RawReader.Read(file));
        var (linear, annotations) = _reader.Read(file, image, _linear, sensor);
        var guide = !withGuide ? null
            : Filtered(_linear.Cst == CstDirection.Inverse ? linear : _reader.Read(file, image, ForPeople, sensor).Linear);
        return new DatasetImage(image, linear, annotations, guide);
    }

    // A photo that is learned from is another night in each epoch, so there is nothing to keep; and to decode one is the smaller part of
    // the work.
    private DatasetImage Simulate(string file, CocoImage image, ulong seed, bool withGuide)
    {
        ulong For(string purpose) => Seeds.Derive((long)seed, purpose);
        var camera = _cameras[(int)(For("camera") % (ulong)_cameras.Length)];
        var night = NightParameters.Draw(_simulation!.Night, For("night"));
        var photo = PictureFile.Read(file);
        var sensor = LowLightSimulator.Simulate(photo, camera, night, For("noise"), file);
        var annotations = AnnotationFrame.In(sensor, image);
        var guide = withGuide
            ? Photo(LinearPipeline.ToLinear(LowLightSimulator.Simulate(photo, camera, Day, 0, file), ForPeople with { Crop = annotations.Crop }))
            : null;
        return new DatasetImage(
            image, LinearPipeline.ToLinear(sensor, _linear with { Crop = annotations.Crop }), annotations, guide);
    }

    private static RgbImage Filtered(LinearImage xyz)
    {
        using var classical = new ClassicalIsp(new ClassicalOptions { Denoise = Denoising.Bilateral });
        return classical.Develop(xyz);
    }

    private static RgbImage Photo(LinearImage xyz)
    {
        var pixels = PixelMatrix.Apply(Srgb.FromXyz, xyz.Pixels.Span);
        foreach (ref var value in pixels.AsSpan())
            value = Srgb.Encode((float)Day.Darkness * value);
        return new RgbImage(pixels, xyz.Frame);
    }
}
