using GenIsp.Isp;

namespace GenIsp.Detection.Frozen;

/// <summary>How large an image is.</summary>
/// <param name="Channels">Side by side in each pixel.</param>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
internal readonly record struct ImageShape(int Channels, int Height, int Width)
{
    /// <summary>Numbers in all.</summary>
    public nint Count => (nint)Channels * Height * Width;
}

/// <summary>
/// A part of a <see cref="FrozenNetwork"/>: makes images of images, and has a way back. All are channels-last float32, one picture each, and
/// their numbers are not set before the layer sets them.
/// </summary>
internal unsafe interface ILayer
{
    /// <summary>How large its results are.</summary>
    IReadOnlyList<ImageShape> Results { get; }

    /// <summary>How many numbers it keeps for the way back.</summary>
    nint Kept { get; }

    /// <summary>There.</summary>
    /// <param name="images">What it works on.</param>
    /// <param name="results">What it makes: all their numbers.</param>
    /// <param name="kept">As many numbers as <see cref="Kept"/>, or null where nobody will come back.</param>
    void Forward(ReadOnlySpan<Pixels> images, ReadOnlySpan<Pixels> results, float* kept);

    /// <summary>Makes what every way back needs; at a time when an exception still reaches the caller.</summary>
    void PrepareBack()
    {
    }

    /// <summary>Back.</summary>
    /// <param name="gradients">Of the results; may be overwritten.</param>
    /// <param name="kept">Of <see cref="Forward"/>.</param>
    /// <param name="results">The gradients of the images: all their numbers.</param>
    void Back(ReadOnlySpan<Pixels> gradients, float* kept, ReadOnlySpan<Pixels> results);
}
