namespace GenIsp.Isp.Fused;

/// <summary>
/// One pixel of the Shallow ConvNet without norms, step by step. Where a value is infinite or no number, Winograd spoils the whole tile:
/// its pixels are made again here.
/// </summary>
internal static class PlainPixel
{
    /// <summary>The three channels before any skip.</summary>
    public static void Develop(LinearPicture picture, ShallowWeights weights, float slope, int x, int y, Span<float> result)
    {
        Span<float> features = stackalloc float[ShallowWeights.First * 9];
        features.Clear();
        for (var i = 0; i < 9; i++)
        {
            var (column, row) = (x + i % 3 - 1, y + i / 3 - 1);
            if (!IsInside(picture, column, row))
                continue;
            for (var channel = 0; channel < ShallowWeights.First; channel++)
                features[channel * 9 + i] = Leaky(First(picture, weights, channel, column, row), slope);
        }
        weights.Bias3.CopyTo(result);
        for (var channel = 0; channel < ShallowWeights.Second; channel++)
        {
            var sum = weights.Bias2[channel];
            for (var i = 0; i < features.Length; i++)
                sum += weights.Plain2[channel * features.Length + i] * features[i];
            sum = Leaky(sum, slope);
            for (var color = 0; color < 3; color++)
                result[color] += weights.Weight3[color * ShallowWeights.Second + channel] * sum;
        }
    }

    private static float First(LinearPicture picture, ShallowWeights weights, int channel, int x, int y)
    {
        var sum = weights.Bias1[channel];
        for (var i = 0; i < ShallowWeights.Taps; i++)
        {
            var (column, row) = (x + i % 3 - 1, y + i / 3 % 3 - 1);
            var value = IsInside(picture, column, row) ? picture.Corrected(i / 9, column, row) : 0;
            sum += weights.Plain1[channel * ShallowWeights.Taps + i] * value;
        }
        return sum;
    }

    private static bool IsInside(LinearPicture picture, int x, int y) => x >= 0 && y >= 0 && x < picture.Width && y < picture.Height;

    private static float Leaky(float value, float slope) => value > 0 ? value : value * slope;
}
