using System.Numerics;
using static TorchSharp.torch;

namespace GenIsp.Isp;

/// <summary>The planes [H, W] of a contiguous float32 tensor [N, C, H, W] on the processor, for operations of our own.</summary>
internal readonly unsafe struct Planes
{
    // What a core with AVX-512 does in 20 µs.
    private const long Alone = 2_000_000;

    // Numbers that a thread works on at once.
    private const int Block = 1 << 14;

    private readonly float* _first;

    /// <param name="tensor">As <see cref="Has"/> asks for.</param>
    public Planes(Tensor tensor)
    {
        Owner = tensor;
        Size = checked((int)(tensor.shape[2] * tensor.shape[3]));
        _first = tensor.Pointer<float>();
    }

    /// <summary>Whose planes they are, which lives as long as this does.</summary>
    public Tensor Owner { get; }

    /// <summary>Pixels of a plane.</summary>
    public int Size { get; }

    /// <summary>The numbers themselves of one plane, counted over pictures and channels.</summary>
    public Span<float> this[int index] => new(At(index), Size);

    /// <summary>Where they are.</summary>
    public float* At(int index) => _first + (nint)index * Size;

    /// <summary>Whether a tensor is contiguous float32 on the processor, and its numbers can be counted in an int.</summary>
    public static bool Has(Tensor tensor) =>
        tensor.dtype == ScalarType.Float32 && tensor.device_type == TorchSharp.DeviceType.CPU && tensor.is_contiguous()
        && tensor.numel() <= int.MaxValue;

    /// <summary>Works on the planes with as many threads as libtorch uses.</summary>
    public static void ForEach(int planes, Action<int> work) => Run(planes, get_num_threads(), work);

    /// <summary>The same, by this thread alone where it is soon done: to wake another takes longer.</summary>
    /// <param name="planes">How many.</param>
    /// <param name="operations">Multiply-adds of each, about.</param>
    /// <param name="work">What is done.</param>
    public static void ForEach(int planes, long operations, Action<int> work) =>
        Run(planes, planes * operations < Alone ? 1 : get_num_threads(), work);

    /// <summary>Works on many numbers, some of them at a time.</summary>
    /// <param name="count">How many.</param>
    /// <param name="operations">Multiply-adds of each, about.</param>
    /// <param name="work">What is done: from a place on, which is a multiple of any vector's length, with so many.</param>
    public static void ForEachBlock(nint count, long operations, Action<nint, int> work) =>
        ForEach(checked((int)((count + Block - 1) / Block)), operations * Math.Min(Block, count), block =>
        {
            var first = (nint)block * Block;
            work(first, (int)Math.Min(Block, count - first));
        });

    /// <summary>
    /// Works on bands of rows so high that what each adds to reaches only into its neighbours': every second one at the same time.
    /// </summary>
    /// <param name="pictures">How many.</param>
    /// <param name="height">Rows of each.</param>
    /// <param name="reach">Rows of the window that stands on each row.</param>
    /// <param name="operations">Multiply-adds of a row, about.</param>
    /// <param name="work">What is done: in a picture, from a row on, with so many.</param>
    public static void ForEachBand(int pictures, int height, int reach, long operations, Action<int, int, int> work)
    {
        var together = Math.Max(4, reach);
        var bands = (height + together - 1) / together;
        for (var odd = 0; odd < 2; odd++)
        {
            var each = (bands - odd + 1) / 2;
            ForEach(checked(pictures * each), operations * together, i =>
            {
                var (picture, band) = Math.DivRem(i, each);
                var top = (2 * band + odd) * together;
                work(picture, top, Math.Min(together, height - top));
            });
        }
    }

    /// <summary>LeakyReLU's derivative where that is its result, or its argument.</summary>
    public static Vector<float> Slopes(Vector<float> activated, float slope) =>
        Vector.ConditionalSelect(Vector.GreaterThan(activated, Vector<float>.Zero), Vector<float>.One, new Vector<float>(slope));

    private static void Run(int planes, int threads, Action<int> work)
    {
        if (threads > 1)
        {
            Parallel.For(0, planes, new ParallelOptions { MaxDegreeOfParallelism = threads }, work);
            return;
        }
        for (var i = 0; i < planes; i++)
            work(i);
    }
}
