using System.Collections.Concurrent;
using System.Security.Cryptography;
using GenIsp.Color;
using GenIsp.Raw;

namespace GenIsp.Data;

/// <summary>
/// Reads a data set's RAW files in linear light, rounded to half precision (<see cref="HalfPixels"/>), and keeps them in a cache. An image
/// is the same whether it comes from there or not, and whether there is a cache or not: it always goes through the cache's format.
/// </summary>
/// <param name="cache">Where images are kept; null keeps none.</param>
public sealed class AnnotatedReader(ImageCache? cache)
{
    private readonly ConcurrentDictionary<FileState, string> _hashes = [];

    /// <summary>A RAW file or mosaic in linear light, and where its annotations lie in it. May be called on any thread.</summary>
    /// <param name="file">The file.</param>
    /// <param name="image">The image in the annotations.</param>
    /// <param name="options">How it becomes linear; what is cropped follows from the annotations.</param>
    /// <param name="sensor">Reads the file, where that is needed.</param>
    /// <exception cref="GenIspException">The file can't be read, or its annotations don't fit it.</exception>
    public (LinearImage Linear, AnnotationFrame Annotations) Read(
        string file, CocoImage image, LinearOptions options, Lazy<SensorImage> sensor)
    {
        var key = cache is null ? null : KeyOf(file, image, options);
        var stored = key is null ? null : cache!.Find(key);
        if (stored is null)
        {
            var crop = AnnotationFrame.In(sensor.Value, image).Crop;
            var bytes = StoredImage.ToBytes(sensor.Value.Shape, LinearPipeline.ToLinear(sensor.Value, options with { Crop = crop }));
            // Unless the file became another one meanwhile.
            if (key is not null && key == KeyOf(file, image, options))
                cache!.Keep(key, bytes);
            stored = StoredImage.Parse(bytes);
        }
        var shape = new SensorShape(file, stored.SensorWidth, stored.SensorHeight, stored.Orientation);
        var annotations = AnnotationFrame.In(shape, image);
        var frame = LinearPipeline.FrameOf(shape, options with { Crop = annotations.Crop });
        return (new LinearImage(file, stored.Pixels, frame, options.Cst, stored.White, stored.Saturated), annotations);
    }

    // All that the pixels depend on: the build of this library (another one may do it otherwise), what decodes, the files' content, and the
    // options, of which a record's text names each; but for the crop, which follows from the size of the annotations.
    private string KeyOf(string file, CocoImage image, LinearOptions options) => string.Join(
        '\n',
        [
            $"{typeof(AnnotatedReader).Module.ModuleVersionId}", RawReader.DecoderOf(file), .. RawReader.FilesOf(file).Select(HashOf),
            $"{image.Size}", $"{options with { Crop = null }}",
        ]);

    // As long as size and time stay the same, so does the content: within one run. The next run reads it again.
    private string HashOf(string file) => _hashes.GetOrAdd(FileState.Of(file), static state =>
    {
        using var stream = InputFiles.Open(state.Path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    });

    private readonly record struct FileState(string Path, long Length, DateTime Changed)
    {
        public static FileState Of(string path)
        {
            using var file = InputFiles.Open(path);
            return new FileState(path, file.Length, File.GetLastWriteTimeUtc(file.SafeFileHandle));
        }
    }
}
