using GenIsp.Geometry;
using TorchSharp;

namespace GenIsp.Detection;

/// <summary>One object that a detector found.</summary>
/// <param name="Box">In pixels of the image that the detector was given.</param>
/// <param name="Category">Its class.</param>
/// <param name="Score">Confidence, 0..1.</param>
public readonly record struct Detection(Box Box, Category Category, float Score);

/// <summary>
/// A frozen, pretrained object detector: an image in, boxes out. Its weights require no gradient, but a gradient flows through it to
/// its input.
/// </summary>
public abstract class Detector : IDisposable
{
    /// <summary>The classes that it knows.</summary>
    public abstract IReadOnlyList<Category> Categories { get; }

    /// <summary>Finds the objects in each image, best first.</summary>
    /// <param name="images">Each [3, H, W], float32, RGB, 0..1 (values outside are allowed), of any size.</param>
    /// <param name="scoreThreshold">Detections that score below it are left out; 0..1.</param>
    /// <returns>One list an image, in the image's own pixels, clipped to it.</returns>
    public abstract IReadOnlyList<IReadOnlyList<Detection>> Detect(IReadOnlyList<torch.Tensor> images, float scoreThreshold);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees the native memory.</summary>
    protected abstract void Dispose(bool disposing);
}
