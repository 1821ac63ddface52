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
/// <param name="Guide">What the classical ISP makes of it, its noise filtered, where that was asked for.</param>
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
    private readonly LinearOptions _linear;
    private readonly NightSimulation? _simulation;
    private readonly SimulatedCamera[] _cameras;
    private readonly IReadOnlyDictionary<CocoImage, string> _files;

    /// <exception cref="GenIspException">
    /// Images have no file: they are counted, and the first are named. Or a camera is unknown.
    /// </exception>
    public DatasetImages(CocoDataset dataset, string folder, LinearOptions linear, NightSimulation? simulation)
    {
        (Dataset, _linear, _simulation) = (dataset, linear, simulation);
        _cameras = [.. (simulation?.Cameras ?? []).Select(SimulatedCamera.Load)];
        if (simulation is not null && _cameras.Length == 0)
            throw new GenIspException("The simulation has no camera: \"cameras\" is empty.");
        _files = new ImageFolder(folder).FindAll(dataset);
    }

    /// <summary>The annotations.</summary>
    public CocoDataset Dataset { get; }

    /// <summary>Reads an image.</summary>
    /// <param name="image">One of the data set's.</param>
    /// <param name="seed">Determines its simulated night.</param>
    /// <param name="withGuide">Whether it comes with the classical ISP's picture, for imitation.</param>
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
        var sensor = isPhoto ? Simulate(file, seed) : RawReader.Read(file);
        var frame = AnnotationFrame.In(sensor, image);
        var options = _linear with { Crop = frame.Crop };
        var linear = LinearPipeline.ToLinear(sensor, options);
        if (!withGuide)
            return new DatasetImage(image, linear, frame, null);
        using var classical = new ClassicalIsp(new ClassicalOptions { Denoise = Denoising.Bilateral });
        var xyz = linear.Cst == classical.Cst ? linear : LinearPipeline.ToLinear(sensor, options with { Cst = classical.Cst });
        return new DatasetImage(image, linear, frame, classical.Develop(xyz));
    }

    private SensorImage Simulate(string file, ulong seed)
    {
        ulong For(string purpose) => Seeds.Derive((long)seed, purpose);
        var camera = _cameras[(int)(For("camera") % (ulong)_cameras.Length)];
        var night = NightParameters.Draw(_simulation!.Night, For("night"));
        return LowLightSimulator.Simulate(PictureFile.Read(file), camera, night, For("noise"), file);
    }
}
