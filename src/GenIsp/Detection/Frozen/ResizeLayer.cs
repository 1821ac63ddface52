using System.Numerics;
using System.Runtime.CompilerServices;
using GenIsp.Isp;

namespace GenIsp.Detection.Frozen;

/// <summary>An image in another size: each pixel between four of the old ones, or equal to one.</summary>
/// <param name="image">How large it is.</param>
/// <param name="rows">For each row of the result its place in the image: 0..H − 1.</param>
/// <param name="columns">Likewise.</param>
internal sealed unsafe class ResizeLayer(ImageShape image, float[] rows, float[] columns) : ILayer
{
    // So many channels are a thread's on the way back.
    private const int Block = 32;

    private readonly ImageShape _result = new(image.Channels, rows.Length, columns.Length);
    private readonly Place[] _rows = [.. rows.Select(row => new Place(row, image.Height))];
    private readonly Place[] _columns = [.. columns.Select(column => new Place(column, image.Width))];

    public IReadOnlyList<ImageShape> Results => [_result];

    public nint Kept => 0;

    public void Forward(ReadOnlySpan<Pixels> images, ReadOnlySpan<Pixels> results, float* kept)
    {
        float* from = images[0].At(0, 0), to = results[0].At(0, 0);
        nint row = (nint)_columns.Length * image.Channels;
        Planes.ForEach(_rows.Length, 8 * row, y => Row(from, _rows[y], to + y * row));
    }

    public void Back(ReadOnlySpan<Pixels> gradients, float* kept, ReadOnlySpan<Pixels> results)
    {
        float* from = gradients[0].At(0, 0), to = results[0].At(0, 0);
        results[0].Clear();
        Planes.ForEach((image.Channels + Block - 1) / Block, 16L * _result.Count * Block / image.Channels, block =>
            Back(from, to, block * Block, Math.Min(image.Channels, (block + 1) * Block)));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Row(float* from, Place row, float* to)
    {
        nint channels = image.Channels;
        float* above = from + row.First * image.Width * channels, below = from + row.Second * image.Width * channels;
        foreach (var column in _columns)
        {
            nint left = column.First * channels, right = column.Second * channels;
            var (a, b, c, d) = Shares(row, column);
            nint i = 0;
            if (a == 1)
            {
                new ReadOnlySpan<float>(above + left, (int)channels).CopyTo(new Span<float>(to, (int)channels));
                i = channels;
            }
            for (; i <= channels - Vector<float>.Count; i += Vector<float>.Count)
            {
                (Vector.Load(above + left + i) * a + Vector.Load(above + right + i) * b
                    + Vector.Load(below + left + i) * c + Vector.Load(below + right + i) * d).Store(to + i);
            }
            for (; i < channels; i++)
                to[i] = above[left + i] * a + above[right + i] * b + below[left + i] * c + below[right + i] * d;
            to += channels;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Back(float* gradient, float* result, int first, int end)
    {
        nint channels = image.Channels;
        foreach (var row in _rows)
        {
            float* above = result + row.First * image.Width * channels, below = result + row.Second * image.Width * channels;
            foreach (var column in _columns)
            {
                nint left = column.First * channels, right = column.Second * channels;
                var (a, b, c, d) = Shares(row, column);
                Add(gradient, a, above + left, first, end);
                Add(gradient, b, above + right, first, end);
                Add(gradient, c, below + left, first, end);
                Add(gradient, d, below + right, first, end);
                gradient += channels;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(float* gradient, float share, float* result, nint first, nint end)
    {
        if (share == 0)
            return;
        var i = first;
        for (; i <= end - Vector<float>.Count; i += Vector<float>.Count)
            (Vector.Load(result + i) + Vector.Load(gradient + i) * share).Store(result + i);
        for (; i < end; i++)
            result[i] += gradient[i] * share;
    }

    // Of the four pixels: above and below, left and right.
    private static (float A, float B, float C, float D) Shares(Place row, Place column) => (
        (1 - row.Share) * (1 - column.Share), (1 - row.Share) * column.Share, row.Share * (1 - column.Share), row.Share * column.Share);

    // Between two neighbours.
    private readonly struct Place
    {
        public Place(float at, int size)
        {
            First = Math.Clamp((int)at, 0, size - 1);
            Second = Math.Min(First + 1, size - 1);
            Share = at - First;
        }

        public int First { get; }

        public int Second { get; }

        /// <summary>The second one's.</summary>
        public float Share { get; }
    }
}
