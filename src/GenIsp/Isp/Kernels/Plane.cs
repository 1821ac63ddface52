namespace GenIsp.Isp.Kernels;

/// <summary>An image [height, width, channels].</summary>
internal readonly unsafe struct Plane(float* numbers, int height, int width, int channels)
{
    private readonly float* _numbers = numbers;

    /// <summary>Rows.</summary>
    public int Height { get; } = height;

    /// <summary>Columns.</summary>
    public int Width { get; } = width;

    /// <summary>Numbers of a pixel.</summary>
    public int Channels { get; } = channels;

    /// <summary>A pixel's first number.</summary>
    public float* At(int y, int x) => _numbers + ((nint)y * Width + x) * Channels;

    /// <summary>A square of it, with zeros where it reaches beyond.</summary>
    public void Copy(int y, int x, int size, float* to)
    {
        for (var row = y; row < y + size; row++)
        {
            for (var column = x; column < x + size; column++, to += Channels)
            {
                var pixel = new Span<float>(to, Channels);
                if (row >= 0 && row < Height && column >= 0 && column < Width)
                    new ReadOnlySpan<float>(At(row, column), Channels).CopyTo(pixel);
                else
                    pixel.Clear();
            }
        }
    }
}
