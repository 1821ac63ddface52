using GenIsp.Isp;
using GenIsp.Isp.Kernels;

namespace GenIsp.Detection.Frozen;

/// <summary>A convolution and an activation.</summary>
internal sealed unsafe class ConvolutionLayer : ILayer
{
    private readonly ConvolutionKernel _kernel;
    private readonly Activation _activation;

    /// <param name="kernel">The convolution; the caller disposes of it.</param>
    /// <param name="activation">What comes last.</param>
    /// <param name="image">How large an image is that fits it.</param>
    public ConvolutionLayer(ConvolutionKernel kernel, Activation activation, ImageShape image)
    {
        (_kernel, _activation) = (kernel, activation);
        if (image.Channels != kernel.Inputs)
            throw new ArgumentException($"A convolution of {kernel.Inputs} channels does not fit an image of {image.Channels}.", nameof(image));
        var shape = kernel.ShapeFor([1, image.Channels, image.Height, image.Width]);
        Results = [new ImageShape((int)shape[1], (int)shape[2], (int)shape[3])];
        Kept = kernel.Kept(activation, Results[0].Count);
    }

    public IReadOnlyList<ImageShape> Results { get; }

    public nint Kept { get; }

    public void Forward(ReadOnlySpan<Pixels> images, ReadOnlySpan<Pixels> results, float* kept) =>
        _kernel.Run(images[0], null, _activation, kept, results[0]);

    public void PrepareBack() => _kernel.PrepareBack();

    public void Back(ReadOnlySpan<Pixels> gradients, float* kept, ReadOnlySpan<Pixels> results)
    {
        if (_activation.Kind != ActivationKind.None)
            _kernel.RunBackThrough(_activation, gradients[0], kept, gradients[0]);
        _kernel.RunBack(gradients[0], results[0]);
    }
}
