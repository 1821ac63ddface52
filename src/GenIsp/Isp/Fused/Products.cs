using System.Runtime.CompilerServices;

namespace GenIsp.Isp.Fused;

/// <summary>
/// Sums of products in registers, result[row, output] = start + Σ value[row, tap] · weight[tap, output]: a convolution of channels that
/// lie side by side, or a product of small matrices.
/// </summary>
/// <remarks>
/// The multiply-adds are few enough instructions that all others count: steps are as wide as addresses and their multiples stay in
/// registers, so that a value is loaded and spread in one instruction.
/// </remarks>
internal static unsafe class Products<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <summary>What <see cref="Run"/> rounds its rows up to, for this many outputs.</summary>
    public static int Step(int outputs) => TSimd.Count < 16 ? 6 : outputs > TSimd.Count ? 12 : 16;

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
        float* values, nint step, int rows, int* offsets, int taps, float* weights, nint outputs, float* start, float slope, float* result,
        nint resultStep, nint startStep = 0)
    {
        var together = Step((int)outputs);
        for (var row = 0; row < rows; row += together)
        {
            for (nint output = 0; output < outputs; output += together == 16 ? outputs : 2 * TSimd.Count)
            {
                if (together == 6)
                {
                    SixByTwo(
                        values, step, offsets, taps, weights + output, outputs, start + output, startStep, slope, result + output, resultStep);
                }
                else if (together == 12)
                {
                    TwelveByTwo(
                        values, step, offsets, taps, weights + output, outputs, start + output, startStep, slope, result + output, resultStep);
                }
                else if (step == 1)
                {
                    SixteenInARow(values, offsets, taps, weights, start, startStep, slope, result, resultStep);
                }
                else
                {
                    Sixteen(values, step, offsets, taps, weights, start, startStep, slope, result, resultStep);
                }
            }
            values += together * step;
            start += together * startStep;
            result += together * resultStep;
        }
    }

    // Twelve sums, two weights and a value: AVX2's 16 registers. Of the loads, eight serve twelve multiply-adds.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SixByTwo(
        float* values, nint step, int* offsets, int taps, float* weights, nint outputs, float* start, nint startStep, float slope,
        float* result, nint resultStep)
    {
        Row r0 = new(start), r1 = new(start + startStep), r2 = new(start + 2 * startStep);
        Row r3 = new(start + 3 * startStep), r4 = new(start + 4 * startStep), r5 = new(start + 5 * startStep);
        nint step2 = 2 * step, step3 = 3 * step, step4 = 4 * step, step5 = 5 * step;
        for (var tap = 0; tap < taps; tap++)
        {
            var value = values + offsets[tap];
            TVector w0 = TSimd.Load(weights), w1 = TSimd.Load(weights + TSimd.Count);
            r0.Add(value[0], w0, w1);
            r1.Add(value[step], w0, w1);
            r2.Add(value[step2], w0, w1);
            r3.Add(value[step3], w0, w1);
            r4.Add(value[step4], w0, w1);
            r5.Add(value[step5], w0, w1);
            weights += outputs;
        }
        if (slope != 1)
        {
            var slopes = TSimd.Create(slope);
            r0.Activate(slopes);
            r1.Activate(slopes);
            r2.Activate(slopes);
            r3.Activate(slopes);
            r4.Activate(slopes);
            r5.Activate(slopes);
        }
        r0.Store(result);
        r1.Store(result + resultStep);
        r2.Store(result + 2 * resultStep);
        r3.Store(result + 3 * resultStep);
        r4.Store(result + 4 * resultStep);
        r5.Store(result + 5 * resultStep);
    }

    // Twice as many in AVX-512's 32: fourteen loads serve 24.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TwelveByTwo(
        float* values, nint step, int* offsets, int taps, float* weights, nint outputs, float* start, nint startStep, float slope,
        float* result, nint resultStep)
    {
        Row r0 = new(start), r1 = new(start + startStep), r2 = new(start + 2 * startStep);
        Row r3 = new(start + 3 * startStep), r4 = new(start + 4 * startStep), r5 = new(start + 5 * startStep);
        Row r6 = new(start + 6 * startStep), r7 = new(start + 7 * startStep), r8 = new(start + 8 * startStep);
        Row r9 = new(start + 9 * startStep), r10 = new(start + 10 * startStep), r11 = new(start + 11 * startStep);
        nint step2 = 2 * step, step3 = 3 * step, step4 = 4 * step, step5 = 5 * step, step6 = 6 * step;
        for (var tap = 0; tap < taps; tap++)
        {
            var value = values + offsets[tap];
            TVector w0 = TSimd.Load(weights), w1 = TSimd.Load(weights + TSimd.Count);
            r0.Add(value[0], w0, w1);
            r1.Add(value[step], w0, w1);
            r2.Add(value[step2], w0, w1);
            r3.Add(value[step3], w0, w1);
            r4.Add(value[step4], w0, w1);
            r5.Add(value[step5], w0, w1);
            value += step6;
            r6.Add(value[0], w0, w1);
            r7.Add(value[step], w0, w1);
            r8.Add(value[step2], w0, w1);
            r9.Add(value[step3], w0, w1);
            r10.Add(value[step4], w0, w1);
            r11.Add(value[step5], w0, w1);
            weights += outputs;
        }
        if (slope != 1)
        {
            var slopes = TSimd.Create(slope);
            r0.Activate(slopes);
            r1.Activate(slopes);
            r2.Activate(slopes);
            r3.Activate(slopes);
            r4.Activate(slopes);
            r5.Activate(slopes);
            r6.Activate(slopes);
            r7.Activate(slopes);
            r8.Activate(slopes);
            r9.Activate(slopes);
            r10.Activate(slopes);
            r11.Activate(slopes);
        }
        r0.Store(result);
        r1.Store(result + resultStep);
        r2.Store(result + 2 * resultStep);
        r3.Store(result + 3 * resultStep);
        r4.Store(result + 4 * resultStep);
        r5.Store(result + 5 * resultStep);
        r6.Store(result + 6 * resultStep);
        r7.Store(result + 7 * resultStep);
        r8.Store(result + 8 * resultStep);
        r9.Store(result + 9 * resultStep);
        r10.Store(result + 10 * resultStep);
        r11.Store(result + 11 * resultStep);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Sixteen(
        float* values, nint step, int* offsets, int taps, float* weights, float* start, nint startStep, float slope, float* result,
        nint resultStep) =>
        SixteenApart(values, step, offsets, taps, weights, start, startStep, slope, result, resultStep);

    // The compiler puts the step into the instructions.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SixteenInARow(
        float* values, int* offsets, int taps, float* weights, float* start, nint startStep, float slope, float* result, nint resultStep) =>
        SixteenApart(values, 1, offsets, taps, weights, start, startStep, slope, result, resultStep);

    // Where one vector holds all outputs: sixteen rows.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SixteenApart(
        float* values, nint step, int* offsets, int taps, float* weights, float* start, nint startStep, float slope, float* result,
        nint resultStep)
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
        if (slope != 1)
        {
            var slopes = TSimd.Create(slope);
            a.Activate(slopes);
            b.Activate(slopes);
            c.Activate(slopes);
            d.Activate(slopes);
        }
        a.Store(result, resultStep);
        b.Store(result + 4 * resultStep, resultStep);
        c.Store(result + 8 * resultStep, resultStep);
        d.Store(result + 12 * resultStep, resultStep);
    }

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
        public void Activate(TVector slopes)
        {
            _first = TSimd.LeakyRelu(_first, slopes);
            _second = TSimd.LeakyRelu(_second, slopes);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Store(float* result)
        {
            TSimd.Store(_first, result);
            TSimd.Store(_second, result + TSimd.Count);
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
        public Column(float* start, nint step)
        {
            _a = TSimd.Load(start);
            _b = TSimd.Load(start + step);
            _c = TSimd.Load(start + 2 * step);
            _d = TSimd.Load(start + 3 * step);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Add(float* values, nint step, TVector weight)
        {
            _a = TSimd.MultiplyAdd(TSimd.Create(values[0]), weight, _a);
            _b = TSimd.MultiplyAdd(TSimd.Create(values[step]), weight, _b);
            _c = TSimd.MultiplyAdd(TSimd.Create(values[2 * step]), weight, _c);
            _d = TSimd.MultiplyAdd(TSimd.Create(values[3 * step]), weight, _d);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Activate(TVector slopes)
        {
            _a = TSimd.LeakyRelu(_a, slopes);
            _b = TSimd.LeakyRelu(_b, slopes);
            _c = TSimd.LeakyRelu(_c, slopes);
            _d = TSimd.LeakyRelu(_d, slopes);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Store(float* result, nint step)
        {
            TSimd.Store(_a, result);
            TSimd.Store(_b, result + step);
            TSimd.Store(_c, result + 2 * step);
            TSimd.Store(_d, result + 3 * step);
        }
    }
}
