using GenIsp.Color;
using GenIsp.Imaging;

namespace GenIsp.Isp;

/// <summary>An image signal processor: linear light in, a picture for a detector out.</summary>
public interface IIsp : IDisposable
{
    /// <summary>The colour space that it was made for.</summary>
    CstDirection Cst { get; }

    /// <summary>How the input is made that it serves detectors best with: a network's, as it was trained.</summary>
    LinearOptions Input => new() { Cst = Cst };

    /// <summary>Develops a picture.</summary>
    /// <param name="image">In the colour space of <see cref="Cst"/>, of any size.</param>
    /// <returns>RGB of the same size, nominally 0..1, not clamped unless the ISP says so.</returns>
    /// <exception cref="GenIspException">The image is in another colour space.</exception>
    RgbImage Develop(LinearImage image);
}

internal static class IspInput
{
    /// <summary>Refuses an image in another colour space than the ISP was made for.</summary>
    public static void Check(LinearImage image, CstDirection expected, string isp)
    {
        if (image.Cst != expected)
        {
            throw new GenIspException(
                $"{image.Source}: the ISP {isp} works on colours with cst {Name(expected)}, not {Name(image.Cst)}. "
                + $"Use --cst {Name(expected)}.");
        }
    }

    private static string Name(CstDirection direction) => direction.ToString().ToLowerInvariant();
}
