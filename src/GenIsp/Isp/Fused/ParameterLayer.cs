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
        _bias = Scratch.Pinned(bias.ToSingles());
        // [taps, outputs], taps in the order row, column, channel.
        var plain = weight.ToSingles();
        _weights = GC.AllocateUninitializedArray<float>(plain.Length, pinned: true);
        var squares = Kernel * Kernel;
        for (var i = 0; i < plain.Length; i++)
        {
            var (output, tap) = (i / Taps, i % Taps);
            _weights[(tap % squares * Inputs + tap / squares) * _channels + output] = plain[i];
        }
    }

    /// <summary>Side of the convolution.</summary>
    public int Kernel { get; }

    private int Inputs => Taps / (Kernel * Kernel);

    private int Taps { get; }

    /// <summary>[H, W, inputs] → [H / pool, W / pool, outputs].</summary>
    /// <param name="input">Its border is half the kernel's side.</param>
    /// <param name="border">Of the result.</param>
    /// <param name="threads">At most so many work on it.</param>
    public FeatureMap Run<TSimd, TVector>(FeatureMap input, int border, ParallelOptions threads)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        var result = new FeatureMap(_channels, input.Width / _pool, input.Height / _pool, border);
        var offsets = GC.AllocateUninitializedArray<int>(Taps, pinned: true);
        for (var tap = 0; tap < Taps; tap++)
            offsets[tap] = tap / (Kernel * Inputs) * input.Stride + tap % (Kernel * Inputs);
        var step = Products<TSimd, TVector>.Step(_channels);
        var stride = (input.Width + step - 1) / step * step * _channels;
        Parallel.For(
            0, result.Height, threads,
            y =>
            {
                using var scratch = new Scratch(_pool * stride);
                var rows = scratch.Take(_pool * stride);
                for (var row = 0; row < _pool; row++)
                {
                    Products<TSimd, TVector>.Run(
                        input.Values + (y * _pool + row) * input.Stride, Inputs, input.Width,
                        Scratch.PointerTo(offsets), Taps, Scratch.PointerTo(_weights), _channels, Scratch.PointerTo(_bias),
                        _slope, rows + row * stride, _channels);
                }
                Pool<TSimd, TVector>(rows, stride, result.Row(y));
            });
        return result;
    }

    // The greatest of each square; what is no number wins, as in PyTorch.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Pool<TSimd, TVector>(float* rows, int stride, Span<float> result)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        fixed (float* to = result)
        {
            for (var i = 0; i < result.Length; i += TSimd.Count)
            {
                var from = rows + i / _channels * _pool * _channels + i % _channels;
                var greatest = TSimd.Load(from);
                for (var row = 0; row < _pool; row++)
                {
                    for (var column = 0; column < _pool; column++)
                        greatest = TSimd.Max(greatest, TSimd.Load(from + row * stride + column * _channels));
                }
                TSimd.Store(greatest, to + i);
            }
        }
    }
}
