namespace GenIsp.Isp.Fused;

/// <summary>A picture in memory that stays where it is, and the colour matrix that its pixels pass through.</summary>
/// <param name="Pixels">[3, H, W].</param>
/// <param name="Width">Columns.</param>
/// <param name="Height">Rows.</param>
/// <param name="Matrix">[3, 3]: colour correction times white balance.</param>
internal readonly unsafe record struct LinearPicture(nint Pixels, int Width, int Height, float[] Matrix)
{
    /// <summary>Pixels of one channel.</summary>
    public nint Plane => (nint)Width * Height;

    /// <summary>Where a row of a channel begins.</summary>
    public float* Row(int channel, int y) => (float*)Pixels + channel * Plane + (nint)y * Width;

    /// <summary>One channel of a pixel, corrected.</summary>
    public float Corrected(int channel, int x, int y) =>
        Matrix[3 * channel] * Row(0, y)[x] + Matrix[3 * channel + 1] * Row(1, y)[x] + Matrix[3 * channel + 2] * Row(2, y)[x];
}
