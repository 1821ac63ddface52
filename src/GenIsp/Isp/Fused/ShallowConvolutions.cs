namespace GenIsp.Isp.Fused;

/// <summary>
/// The Shallow ConvNet of a picture. InstanceNorm needs sums over the whole picture after each of two convolutions, so there are three
/// passes, each of which begins at the picture again: computing features anew takes less time than writing and reading them. The norms then
/// vanish into the weights: (x − mean) / √(variance + ε) is a scale and a shift, and biases before it cancel.
/// </summary>
internal sealed unsafe class ShallowConvolutions(
    ShallowWeights weights, GenIspOptions options, FusedKernels kernels, ParallelOptions threads)
{
    private const int First = ShallowWeights.First;
    private const int Second = ShallowWeights.Second;

    private float Slope => (float)options.NegativeSlope;

    /// <param name="picture">Linear, with its colour matrix.</param>
    /// <param name="meanColor">About the mean of the corrected picture; see <see cref="Centres"/>.</param>
    /// <param name="output">[3, H, W].</param>
    public void Develop(LinearPicture picture, double[] meanColor, float* output)
    {
        // Nothing is left of a picture without colours, and the plain way would be slow.
        if (picture.Matrix.Any(float.IsNaN))
        {
            for (nint i = 0; i < 3 * picture.Plane; i++)
                output[i] = float.NaN;
            return;
        }
        var isPlain = options.Normalization == FeatureNormalization.None;
        var pass = new ShallowPass(
            picture, Slope, weights.Conv1(Ones(First)), Scratch.Pinned(weights.Bias1), isPlain ? weights.Conv2(Ones(Second)) : [],
            Scratch.Pinned(weights.Bias2), weights.Conv3, weights.Bias3);
        if (!isPlain)
        {
            var centres = Centres(meanColor);
            var sums = kernels.SumFirst(pass with { Start1 = Scratch.Pinned([.. centres.Select(centre => -centre)]) }, threads);
            var (scale, shift) = Norm(sums, centres, picture.Plane, weights.Norm1);
            pass = pass with { Conv1 = weights.Conv1(scale), Start1 = shift };
            (scale, shift) = Norm(kernels.SumSecond(pass, weights.Plain2, threads), new float[Second], picture.Plane, weights.Norm2);
            pass = pass with { Conv2 = weights.Conv2(scale), Start2 = shift };
        }
        kernels.Develop(
            pass, output,
            isPlain || options.Skip ? (y, rows) => Finish(picture, output, isPlain, y, rows) : null, threads);
    }

    // Squares are summed around a value near the mean, so that a small variance survives a large mean: what the convolution makes of a
    // picture of one colour.
    private float[] Centres(double[] meanColor)
    {
        var centres = new float[First];
        for (var i = 0; i < weights.Plain1.Length; i++)
            centres[i / ShallowWeights.Taps] += (float)(weights.Plain1[i] * meanColor[i / 9 % 3]);
        return centres;
    }

    private static (float[] Scale, float[] Shift) Norm(double[] sums, float[] centres, nint count, (float[] Scale, float[] Shift)? learned)
    {
        var (scale, shift) = (new float[centres.Length], Scratch.Pinned(new float[centres.Length]));
        for (var i = 0; i < scale.Length; i++)
        {
            var mean = sums[i] / count;
            var variance = Math.Max(0, sums[scale.Length + i] / count - mean * mean);
            var factor = (learned?.Scale[i] ?? 1) / Math.Sqrt(variance + GenIspOptions.NormEpsilon);
            scale[i] = (float)factor;
            shift[i] = (float)((learned?.Shift[i] ?? 0) - (centres[i] + mean) * factor);
        }
        return (scale, shift);
    }

    private void Finish(LinearPicture picture, float* output, bool isPlain, int start, int rows)
    {
        Span<float> colors = stackalloc float[3];
        for (var y = start; y < start + rows; y++)
        {
            for (var x = 0; x < picture.Width; x++)
            {
                var at = output + (nint)y * picture.Width + x;
                for (var color = 0; color < 3; color++)
                    colors[color] = at[color * picture.Plane];
                if (isPlain && !float.IsFinite(colors[0] + colors[1] + colors[2]))
                    PlainPixel.Develop(picture, weights, Slope, x, y, colors);
                for (var color = 0; color < 3; color++)
                    at[color * picture.Plane] = colors[color] + (options.Skip ? picture.Corrected(color, x, y) : 0);
            }
        }
    }

    private static float[] Ones(int count) => [.. Enumerable.Repeat(1f, count)];
}
