using System.Numerics;
using System.Runtime.CompilerServices;
using GenIsp.Isp;

namespace GenIsp.Detection.Frozen;

/// <summary>Images of one size, number by number.</summary>
internal static unsafe class Elementwise
{
    // To read and write a number, in multiply-adds.
    public const long Operations = 8;

    /// <summary>result = a + b; the result may be one of them.</summary>
    public static void Add(Pixels a, Pixels b, Pixels result)
    {
        float* left = a.At(0, 0), right = b.At(0, 0), to = result.At(0, 0);
        Planes.ForEachBlock(result.Count, Operations, (place, count) => Add(left + place, right + place, to + place, count));
    }

    /// <summary>The same numbers.</summary>
    public static void Copy(Pixels from, Pixels to)
    {
        float* source = from.At(0, 0), target = to.At(0, 0);
        Planes.ForEachBlock(to.Count, Operations, (place, count) => new ReadOnlySpan<float>(source + place, count).CopyTo(new Span<float>(target + place, count)));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Add(float* a, float* b, float* result, int count)
    {
        var i = 0;
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
            (Vector.Load(a + i) + Vector.Load(b + i)).Store(result + i);
        for (; i < count; i++)
            result[i] = a[i] + b[i];
    }
}

/// <summary>The sum of two images.</summary>
/// <param name="image">How large they are.</param>
internal sealed unsafe class SumLayer(ImageShape image) : ILayer
{
    public IReadOnlyList<ImageShape> Results { get; } = [image];

    public nint Kept => 0;

    public void Forward(ReadOnlySpan<Pixels> images, ReadOnlySpan<Pixels> results, float* kept) =>
        Elementwise.Add(images[0], images[1], results[0]);

    public void Back(ReadOnlySpan<Pixels> gradients, float* kept, ReadOnlySpan<Pixels> results)
    {
        Elementwise.Copy(gradients[0], results[0]);
        Elementwise.Copy(gradients[0], results[1]);
    }
}

/// <summary>1 / (1 + e⁻ˣ), which is kept.</summary>
/// <param name="image">How large it is.</param>
internal sealed unsafe class SigmoidLayer(ImageShape image) : ILayer
{
    public IReadOnlyList<ImageShape> Results { get; } = [image];

    public nint Kept { get; } = image.Count;

    public void Forward(ReadOnlySpan<Pixels> images, ReadOnlySpan<Pixels> results, float* kept)
    {
        float* from = images[0].At(0, 0), to = results[0].At(0, 0);
        Planes.ForEachBlock(image.Count, Elementwise.Operations, (place, count) =>
        {
            There(from + place, to + place, count);
            if (kept is not null)
                new ReadOnlySpan<float>(to + place, count).CopyTo(new Span<float>(kept + place, count));
        });
    }

    public void Back(ReadOnlySpan<Pixels> gradients, float* kept, ReadOnlySpan<Pixels> results)
    {
        float* from = gradients[0].At(0, 0), to = results[0].At(0, 0);
        Planes.ForEachBlock(image.Count, Elementwise.Operations, (place, count) => Back(from + place, kept + place, to + place, count));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void There(float* from, float* to, int count)
    {
        var i = 0;
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
            VectorMath.Sigmoid(Vector.Load(from + i)).Store(to + i);
        for (; i < count; i++)
            to[i] = VectorMath.Sigmoid(new Vector<float>(from[i]))[0];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Back(float* gradient, float* sigmoid, float* result, int count)
    {
        var i = 0;
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
        {
            var y = Vector.Load(sigmoid + i);
            (Vector.Load(gradient + i) * (y * (Vector<float>.One - y))).Store(result + i);
        }
        for (; i < count; i++)
            result[i] = gradient[i] * (sigmoid[i] * (1 - sigmoid[i]));
    }
}
