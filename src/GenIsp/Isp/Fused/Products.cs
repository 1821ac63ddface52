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
    /// <param name="outputs">As many as a vector has numbers, or a multiple of twice that.</param>
    /// <param name="start">[outputs].</param>
    /// <param name="slope">LeakyReLU's; 1 leaves the sums as they are.</param>
    /// <param name="result">[rows, outputs], rows so far apart:</param>
    /// <param name="resultStep">from one row of the result to the next.</param>
    /// <param name="startStep">From one row of the start to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(
        float* values, nint step, int rows, int* offsets, int taps, float* weights, int outputs, float* start, float slope, float* result,
        nint resultStep, nint startStep = 0)
    {
        var together = Step(outputs);
        for (var row = 0; row < rows; row += together)
        {
            if (outputs == TSimd.Count && step == 1)
                SixteenInARow(values, offsets, taps, weights, start, startStep, slope, result, resultStep);
            else if (outputs == TSimd.Count)
                SixteenApart(values, step, offsets, taps, weights, start, startStep, slope, result, resultStep);
            else
                Pairs(values, step, offsets, taps, weights, outputs, start, startStep, slope, result, resultStep);
            values += together * step;
            start += together * startStep;
            result += together * resultStep;
        }
    }

    // Outputs by two vectors at a time.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Pairs(
        float* values, nint step, int* offsets, int taps, float* weights, nint outputs, float* start, nint startStep, float slope,
        float* result, nint resultStep)
    {
        for (nint i = 0; i < outputs; i += 2 * TSimd.Count)
        {
            if (TSimd.Count < 16)
                Six(values, step, offsets, taps, weights + i, outputs, start + i, startStep, slope, result + i, resultStep);
            else
                Twelve(values, step, offsets, taps, weights + i, outputs, start + i, startStep, slope, result + i, resultStep);
        }
    }

    // Twelve sums, two weights and a value: AVX2's 16 registers. Of the loads, eight serve twelve multiply-adds.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Six(
        float* values, nint step, int* offsets, int taps, float* weights, nint outputs, float* start, nint startStep, float slope,
        float* result, nint resultStep)
    {
        nint step2 = 2 * step, step4 = 4 * step;
        Pair a = new(start, startStep), b = new(start + 2 * startStep, startStep), c = new(start + 4 * startStep, startStep);
        for (var tap = 0; tap < taps; tap++)
        {
            var value = values + offsets[tap];
            TVector w0 = TSimd.Load(weights), w1 = TSimd.Load(weights + TSimd.Count);
            a.Add(value, step, w0, w1);
            b.Add(value + step2, step, w0, w1);
            c.Add(value + step4, step, w0, w1);
            weights += outputs;
        }
        if (slope != 1)
        {
            var slopes = TSimd.Create(slope);
            a.Activate(slopes);
            b.Activate(slopes);
            c.Activate(slopes);
        }
        a.Store(result, resultStep);
        b.Store(result + 2 * resultStep, resultStep);
        c.Store(result + 4 * resultStep, resultStep);
    }

    // Twice as many in AVX-512's 32: fourteen loads serve 24.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Twelve(
        float* values, nint step, int* offsets, int taps, float* weights, nint outputs, float* start, nint startStep, float slope,
        float* result, nint resultStep)
    {
        nint step2 = 2 * step, step4 = 4 * step, step6 = 6 * step;
        Pair a = new(start, startStep), b = new(start + 2 * startStep, startStep), c = new(start + 4 * startStep, startStep);
        Pair d = new(start + 6 * startStep, startStep), e = new(start + 8 * startStep, startStep), f = new(start + 10 * startStep, startStep);
        for (var tap = 0; tap < taps; tap++)
        {
            var value = values + offsets[tap];
            TVector w0 = TSimd.Load(weights), w1 = TSimd.Load(weights + TSimd.Count);
            a.Add(value, step, w0, w1);
            b.Add(value + step2, step, w0, w1);
            c.Add(value + step4, step, w0, w1);
            value += step6;
            d.Add(value, step, w0, w1);
            e.Add(value + step2, step, w0, w1);
            f.Add(value + step4, step, w0, w1);
            weights += outputs;
        }
        if (slope != 1)
        {
            var slopes = TSimd.Create(slope);
            a.Activate(slopes);
            b.Activate(slopes);
            c.Activate(slopes);
            d.Activate(slopes);
            e.Activate(slopes);
            f.Activate(slopes);
        }
        a.Store(result, resultStep);
        b.Store(result + 2 * resultStep, resultStep);
        c.Store(result + 4 * resultStep, resultStep);
        d.Store(result + 6 * resultStep, resultStep);
        e.Store(result + 8 * resultStep, resultStep);
        f.Store(result + 10 * resultStep, resultStep);
    }

    // The compiler puts a step of 1 into the instructions.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SixteenInARow(
        float* values, int* offsets, int taps, float* weights, float* start, nint startStep, float slope, float* result, nint resultStep) =>
        Sixteen(values, 1, offsets, taps, weights, start, startStep, slope, result, resultStep);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SixteenApart(
        float* values, nint step, int* offsets, int taps, float* weights, float* start, nint startStep, float slope, float* result,
        nint resultStep) =>
        Sixteen(values, step, offsets, taps, weights, start, startStep, slope, result, resultStep);

    // Where one vector holds all outputs: sixteen rows.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Sixteen(
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

    // Two vectors of sums of two rows. (The compiler keeps few vectors of a structure in registers, and none of an array or a tuple.)
    private struct Pair
    {
        private TVector _a0;
        private TVector _a1;
        private TVector _b0;
        private TVector _b1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Pair(float* start, nint step)
        {
            (_a0, _a1) = (TSimd.Load(start), TSimd.Load(start + TSimd.Count));
            (_b0, _b1) = (TSimd.Load(start + step), TSimd.Load(start + step + TSimd.Count));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Add(float* values, nint step, TVector weight0, TVector weight1)
        {
            TVector a = TSimd.Create(values[0]), b = TSimd.Create(values[step]);
            _a0 = TSimd.MultiplyAdd(a, weight0, _a0);
            _a1 = TSimd.MultiplyAdd(a, weight1, _a1);
            _b0 = TSimd.MultiplyAdd(b, weight0, _b0);
            _b1 = TSimd.MultiplyAdd(b, weight1, _b1);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Activate(TVector slopes)
        {
            _a0 = TSimd.LeakyRelu(_a0, slopes);
            _a1 = TSimd.LeakyRelu(_a1, slopes);
            _b0 = TSimd.LeakyRelu(_b0, slopes);
            _b1 = TSimd.LeakyRelu(_b1, slopes);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Store(float* result, nint step)
        {
            TSimd.Store(_a0, result);
            TSimd.Store(_a1, result + TSimd.Count);
            TSimd.Store(_b0, result + step);
            TSimd.Store(_b1, result + step + TSimd.Count);
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
