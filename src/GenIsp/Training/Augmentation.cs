using GenIsp.Color;
using GenIsp.Data;
using GenIsp.Geometry;

namespace GenIsp.Training;

/// <summary>What makes one photo many: mirroring, brightness and contrast, all in linear light.</summary>
/// <param name="IsMirrored">Whether left and right change places.</param>
/// <param name="Brightness">What the light is multiplied by.</param>
/// <param name="Contrast">What the distance from the mean is then multiplied by.</param>
internal readonly record struct Augmentation(bool IsMirrored, float Brightness, float Contrast)
{
    /// <summary>Draws one. All is drawn in any case, so that one option does not change what another draws.</summary>
    public static Augmentation Draw(TrainingOptions options, ulong seed)
    {
        var random = new RandomSource(seed);
        return new Augmentation(
            random.NextUniform(0, 1) < options.FlipProbability,
            (float)random.NextUniform(1 - options.Brightness, 1 + options.Brightness),
            (float)random.NextUniform(1 - options.Contrast, 1 + options.Contrast));
    }

    /// <summary>Changes an image. Its frame goes along, so boxes stay on their objects.</summary>
    public LinearImage Apply(LinearImage image)
    {
        var pixels = Mirrored(image.Pixels.Span, image.Width);
        // As torchvision does it: contrast is around the mean gray, which in XYZ is the mean of Y.
        var plane = pixels.Length / 3;
        var sum = 0.0;
        foreach (var value in pixels.AsSpan(plane, plane))
            sum += value;
        var (factor, offset) = (Brightness * Contrast, (float)(Brightness * (1 - Contrast) * sum / plane));
        foreach (ref var value in pixels.AsSpan())
            value = factor * value + offset;
        var frame = IsMirrored ? image.Frame.Orient(Orientation.MirrorHorizontal) : image.Frame;
        return new LinearImage(image.Source, pixels, frame, image.Cst, image.White, image.Saturated);
    }

    /// <summary>A copy of the pixels of a picture of that width, mirrored if the picture is to be.</summary>
    public float[] Mirrored(ReadOnlySpan<float> pixels, int width)
    {
        var copy = pixels.ToArray();
        for (var start = 0; IsMirrored && start < copy.Length; start += width)
            copy.AsSpan(start, width).Reverse();
        return copy;
    }
}
