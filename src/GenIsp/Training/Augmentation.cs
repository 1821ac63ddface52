using GenIsp.Color;
using GenIsp.Data;
using GenIsp.Geometry;

namespace GenIsp.Training;

/// <summary>What makes one photo many: mirroring, brightness and contrast, all in linear light.</summary>
internal static class Augmentation
{
    /// <summary>Changes an image as the seed says. Its frame goes along, so boxes stay on their objects.</summary>
    public static LinearImage Apply(LinearImage image, TrainingOptions options, ulong seed)
    {
        var random = new RandomSource(seed);
        // All are drawn in any case, so that one option does not change what another draws.
        var mirror = random.NextUniform(0, 1) < options.FlipProbability;
        var brightness = (float)random.NextUniform(1 - options.Brightness, 1 + options.Brightness);
        var contrast = (float)random.NextUniform(1 - options.Contrast, 1 + options.Contrast);

        var pixels = new float[image.Pixels.Length];
        // As torchvision does it: contrast is around the mean gray, which in XYZ is the mean of Y.
        var plane = pixels.Length / 3;
        var source = image.Pixels.Span;
        var sum = 0.0;
        foreach (var value in source.Slice(plane, plane))
            sum += value;
        var (factor, offset) = (brightness * contrast, (float)(brightness * (1 - contrast) * sum / plane));
        for (var i = 0; i < pixels.Length; i++)
            pixels[i] = factor * source[i] + offset;
        if (mirror)
        {
            for (var start = 0; start < pixels.Length; start += image.Width)
                pixels.AsSpan(start, image.Width).Reverse();
        }
        var frame = mirror ? image.Frame.Orient(Orientation.MirrorHorizontal) : image.Frame;
        return new LinearImage(image.Source, pixels, frame, image.Cst, image.White, image.Saturated);
    }
}
