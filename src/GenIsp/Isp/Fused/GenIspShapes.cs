namespace GenIsp.Isp.Fused;

/// <summary>Names and shapes of GenISP's parameters.</summary>
internal static class GenIspShapes
{
    /// <summary>The shapes by name.</summary>
    public static IReadOnlyDictionary<string, long[]> Of(GenIspOptions options)
    {
        var shapes = new Dictionary<string, long[]>();
        void Add(string name, params long[] weight)
        {
            shapes[$"{name}.weight"] = weight;
            shapes[$"{name}.bias"] = [weight[0]];
        }
        foreach (var (net, outputs) in new[] { ("conv_wb", 3), ("conv_cc", 9) })
        {
            Add($"{net}.conv1", 16, 3, 7, 7);
            Add($"{net}.conv2", 32, 16, 5, 5);
            Add($"{net}.conv3", 128, 32, 3, 3);
            Add($"{net}.mlp.0", outputs, 128);
        }
        Add("shallow.conv1", 16, 3, 3, 3);
        Add("shallow.conv2", 64, 16, 3, 3);
        Add("shallow.conv3", 3, 64, 1, 1);
        if (options.Normalization == FeatureNormalization.Affine)
        {
            Add("shallow.norm1", 16);
            Add("shallow.norm2", 64);
        }
        return shapes;
    }
}
