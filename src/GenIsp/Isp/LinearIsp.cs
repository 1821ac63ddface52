using GenIsp.Color;
using GenIsp.Imaging;

namespace GenIsp.Isp;

/// <summary>The plainest ISP: XYZ to linear sRGB by one matrix. No exposure, no white balance, no curve, no clamping.</summary>
public sealed class LinearIsp : IIsp
{
    /// <inheritdoc/>
    public CstDirection Cst => CstDirection.Inverse;

    /// <inheritdoc/>
    public RgbImage Develop(LinearImage image)
    {
        IspInput.Check(image, Cst, "linear");
        return new RgbImage(PixelMatrix.Apply(Srgb.FromXyz, image.Pixels.Span), image.Frame);
    }

    /// <summary>Nothing to free.</summary>
    public void Dispose()
    {
    }
}
