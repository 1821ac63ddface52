using System.Numerics;
using System.Runtime.CompilerServices;
using GenIsp.Weights;

namespace GenIsp.Isp.Fused;

/// <summary>A convolution that keeps the size, LeakyReLU, and max pooling.</summary>
internal sealed unsafe class ParameterLayer
{
    private readonly float[] _weights;
    private readonly float[] _bias;
    private readonly float _slope;
    private readonly int _channels;
    private readonly int _pool;

    /// <param name="weight">[outputs, inputs, k, k], k odd.</param>
    /// <param name="bias">[outputs].</param>
    /// <param name="slope">LeakyReLU's.</param>
    /// <param name="pool">Window and stride of the pooling.</param>
    public ParameterLayer(TensorData weight, TensorData bias, float slope, int pool)
    {
        (_slope, _pool) = (slope, pool);
        (_channels, Kernel) = ((int)weight.Shape[0], (int)weight.Shape[3]);
        Taps = (int)weight.Shape[1] * Kernel * Kernel;
        _bias = Pinned(bias.ToSingles());
        // [outputs / 4, taps, 4].
        var plain = weight.ToSingles();
        _weights = GC.AllocateUninitializedArray<float>(plain.Length, pinned: true);
        for (var i = 0; i < plain.Length; i++)
        {
            var (output, tap) = (i / Taps, i % Taps);
            _weights[(output / 4 * Taps + tap) * 4 + output % 4] = plain[i];
        }
    }

    /// <summary>Side of the convolution.</summary>
    public int Kernel { get; }

    private int Taps { get; }

    /// <summary>[inputs, H, W] → [outputs, H / pool, W / pool].</summary>
    /// <param name="input">Its border is half the kernel's side.</param>
    /// <param name="border">Of the result.</param>
    /// <param name="threads">At most so many work on it.</param>
    public FeaturePlanes Run<TSimd, TVector>(FeaturePlanes input, int border, ParallelOptions threads)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        var result = new FeaturePlanes(_channels, input.Width / _pool, input.Height / _pool, border);
        var offsets = GC.AllocateUninitializedArray<int>(Taps, pinned: true);
        for (var tap = 0; tap < Taps; tap++)
        {
            var (channel, row, column) = (tap / (Kernel * Kernel), tap / Kernel % Kernel, tap % Kernel);
            offsets[tap] = (channel * (input.Height + 2 * input.Border) + row) * input.Stride + column;
        }
        var columns = Convolution<TSimd, TVector>.Columns;
        // A whole number of the kernel's blocks, and of the pooling's vectors.
        var stride = RoundUp(RoundUp(input.Width, columns), Vector<float>.Count);
        Parallel.For(
            0, _channels / 4 * result.Height, threads, () => GC.AllocateUninitializedArray<float>(4 * _pool * stride, pinned: true),
            (item, _, buffer) =>
            {
                var (group, y) = (item / result.Height, item % result.Height);
                for (var row = 0; row < _pool; row++)
                {
                    for (var x = 0; x < input.Width; x += columns)
                    {
                        Convolution<TSimd, TVector>.Run(
                            Scratch.PointerTo(input.Values) + (y * _pool + row) * input.Stride + x,
                            (int*)Unsafe.AsPointer(ref offsets[0]), Taps,
                            Scratch.PointerTo(_weights) + group * Taps * 4, Scratch.PointerTo(_bias) + group * 4, _slope,
                            Scratch.PointerTo(buffer) + row * stride + x, _pool * stride);
                    }
                }
                for (var channel = 0; channel < 4; channel++)
                    Pool(buffer.AsSpan(channel * _pool * stride, _pool * stride), stride, result.Row(group * 4 + channel, y));
                return buffer;
            },
            _ => { });
        return result;
    }

    // The greatest of each square; what is no number wins, as in PyTorch.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Pool(Span<float> rows, int stride, Span<float> result)
    {
        var first = rows[..stride];
        for (var row = 1; row < _pool; row++)
        {
            var other = rows.Slice(row * stride, stride);
            for (var x = 0; x < stride; x += Vector<float>.Count)
                Vector.Max(new Vector<float>(first[x..]), new Vector<float>(other[x..])).CopyTo(first[x..]);
        }
        for (var x = 0; x < result.Length; x++)
        {
            var greatest = first[x * _pool];
            for (var i = 1; i < _pool; i++)
                greatest = MathF.Max(greatest, first[x * _pool + i]);
            result[x] = greatest;
        }
    }

    private static int RoundUp(int count, int step) => (count + step - 1) / step * step;

    private static float[] Pinned(float[] values)
    {
        var result = GC.AllocateUninitializedArray<float>(values.Length, pinned: true);
        values.CopyTo(result, 0);
        return result;
    }
}
