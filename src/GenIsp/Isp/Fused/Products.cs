using System.Runtime.CompilerServices;

namespace GenIsp.Isp.Fused;

/// <summary>
/// Sums of products in registers, result[row, output] = start + Σ value[row, tap] · weight[tap, output]: a convolution of channels that
/// lie side by side, or a product of small matrices.
/// </summary>
internal static unsafe class Products<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <summary>What <see cref="Run"/> rounds its rows up to, for this many outputs.</summary>
    public static int Step(int outputs) => outputs == TSimd.Count ? 16 : 6;

    /// <summary>All rows and outputs.</summary>
    /// <param name="values">Of the first row.</param>
    /// <param name="step">From one row's values to the next's.</param>
    /// <param name="rows">How many there are; up to the next multiple of <see cref="Step"/>, more are read and written.</param>
    /// <param name="offsets">[taps]: where a row's values lie.</param>
    /// <param name="taps">How many there are.</param>
    /// <param name="weights">[taps, outputs].</param>
    /// <param name="outputs">A multiple of 16.</param>
    /// <param name="start">[outputs].</param>
    /// <param name="slope">LeakyReLU's; 1 leaves the sums as they are.</param>
    /// <param name="result">[rows, outputs], rows so far apart:</param>
    /// <param name="resultStep">from one row of the result to the next.</param>
    /// <param name="startStep">From one row of the start to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(
        float* values, int step, int rows, int* offsets, int taps, float* weights, int outputs, float* start, float slope, float* result,
        int resultStep, int startStep = 0)
    {
        if (outputs == TSimd.Count)
        {
            for (var row = 0; row < rows; row += 16)
            {
                Sixteen(
                    values + row * step, step, offsets, taps, weights, start + row * startStep, startStep, slope, result + row * resultStep,
                    resultStep);
            }
            return;
        }
        for (var row = 0; row < rows; row += 6)
        {
            for (var output = 0; output < outputs; output += 2 * TSimd.Count)
            {
                SixByTwo(
                    values + row * step, step, offsets, taps, weights + output, outputs, start + row * startStep + output, startStep, slope,
                    result + row * resultStep + output, resultStep);
            }
        }
    }

    // Twelve sums, two weights and a value: AVX2's 16 registers. Of the loads, eight serve twelve multiply-adds.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SixByTwo(
        float* values, int step, int* offsets, int taps, float* weights, int outputs, float* start, int startStep, float slope,
        float* result, int resultStep)
    {
        Row r0 = new(start), r1 = new(start + startStep), r2 = new(start + 2 * startStep);
        Row r3 = new(start + 3 * startStep), r4 = new(start + 4 * startStep), r5 = new(start + 5 * startStep);
        for (var tap = 0; tap < taps; tap++)
        {
            var value = values + offsets[tap];
            TVector w0 = TSimd.Load(weights), w1 = TSimd.Load(weights + TSimd.Count);
            r0.Add(value[0], w0, w1);
            r1.Add(value[step], w0, w1);
            r2.Add(value[2 * step], w0, w1);
            r3.Add(value[3 * step], w0, w1);
            r4.Add(value[4 * step], w0, w1);
            r5.Add(value[5 * step], w0, w1);
            weights += outputs;
        }
        r0.Store(slope, result);
        r1.Store(slope, result + resultStep);
        r2.Store(slope, result + 2 * resultStep);
        r3.Store(slope, result + 3 * resultStep);
        r4.Store(slope, result + 4 * resultStep);
        r5.Store(slope, result + 5 * resultStep);
    }

    // Where one vector holds all outputs: sixteen rows.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Sixteen(
        float* values, int step, int* offsets, int taps, float* weights, float* start, int startStep, float slope, float* result,
        int resultStep)
    {
        Column a = new(start, startStep), b = new(start + 4 * startStep, startStep);
        Column c = new(start + 8 * startStep, startStep), d = new(start + 12 * startStep, startStep);
        for (var tap = 0; tap < taps; tap++)
        {
            var value = values + offsets[tap];
            var weight = TSimd.Load(weights);
            a.Add(value, step, weight);
            b.Add(value + 4 * step, step, weight);
            c.Add(value + 8 * step, step, weight);
            d.Add(value + 12 * step, step, weight);
            weights += TSimd.Count;
        }
        a.Store(slope, result, resultStep);
        b.Store(slope, result + 4 * resultStep, resultStep);
        c.Store(slope, result + 8 * resultStep, resultStep);
        d.Store(slope, result + 12 * resultStep, resultStep);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(TVector sum, float slope, float* result) =>
        TSimd.Store(slope == 1 ? sum : TSimd.LeakyRelu(sum, TSimd.Create(slope)), result);

    // Sums of one row. (The compiler keeps few vectors of a structure in registers, and none of an array or a tuple.)
    private struct Row
    {
        private TVector _first;
        private TVector _second;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Row(float* start) => (_first, _second) = (TSimd.Load(start), TSimd.Load(start + TSimd.Count));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Add(float value, TVector weight0, TVector weight1)
        {
            var vector = TSimd.Create(value);
            _first = TSimd.MultiplyAdd(vector, weight0, _first);
            _second = TSimd.MultiplyAdd(vector, weight1, _second);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Store(float slope, float* result)
        {
            Products<TSimd, TVector>.Store(_first, slope, result);
            Products<TSimd, TVector>.Store(_second, slope, result + TSimd.Count);
        }
    }

    // Sums of four rows.
    private struct Column
    {
        private TVector _a;
        private TVector _b;
        private TVector _c;
        private TVector _d;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Column(float* start, int step)
        {
            _a = TSimd.Load(start);
            _b = TSimd.Load(start + step);
            _c = TSimd.Load(start + 2 * step);
            _d = TSimd.Load(start + 3 * step);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Add(float* values, int step, TVector weight)
        {
            _a = TSimd.MultiplyAdd(TSimd.Create(values[0]), weight, _a);
            _b = TSimd.MultiplyAdd(TSimd.Create(values[step]), weight, _b);
            _c = TSimd.MultiplyAdd(TSimd.Create(values[2 * step]), weight, _c);
            _d = TSimd.MultiplyAdd(TSimd.Create(values[3 * step]), weight, _d);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Store(float slope, float* result, int step)
        {
            Products<TSimd, TVector>.Store(_a, slope, result);
            Products<TSimd, TVector>.Store(_b, slope, result + step);
            Products<TSimd, TVector>.Store(_c, slope, result + 2 * step);
            Products<TSimd, TVector>.Store(_d, slope, result + 3 * step);
        }
    }
}
