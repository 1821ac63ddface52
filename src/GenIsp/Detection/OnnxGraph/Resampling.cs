using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace GenIsp.Detection.OnnxGraph;

/// <summary>Resize, and its predecessor Upsample: one axis after the other, in every coordinate mode of common use.</summary>
internal static class Resampling
{
    // Where in the input an output position lies. All in float32, as ONNX Runtime has it: the nearest neighbour hangs on the rounding.
    private delegate float Coordinates(float position, float scale, long from, long to);

    /// <summary>Opset 10 has the inputs X, scales; from 11 on they are X, roi, scales, sizes.</summary>
    public static Func<Inputs, Tensor> Resize(Node node)
    {
        var linear = node.OneOf("mode", "nearest", "nearest", "linear") == "linear";
        if (node.Opset < 11)
            return x => Resample(x[0], x.Doubles(1), null, linear, Asymmetric, MathF.Floor);
        var mode = node.OneOf(
            "coordinate_transformation_mode", "half_pixel", "half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners");
        Coordinates coordinates = mode switch
        {
            "half_pixel" => HalfPixel,
            "pytorch_half_pixel" => (position, scale, from, to) => to > 1 ? HalfPixel(position, scale, from, to) : 0,
            "asymmetric" => Asymmetric,
            _ => (position, _, from, to) => to > 1 ? position * (from - 1) / (to - 1) : 0,
        };
        Func<float, float> nearest = node.OneOf(
            "nearest_mode", "round_prefer_floor", "round_prefer_floor", "round_prefer_ceil", "floor", "ceil") switch
        {
            "round_prefer_floor" => at => MathF.Ceiling(at - 0.5f),
            "round_prefer_ceil" => at => MathF.Floor(at + 0.5f),
            "floor" => MathF.Floor,
            _ => MathF.Ceiling,
        };
        node.OneOf("keep_aspect_ratio_policy", "stretch", "stretch");
        node.Only("antialias", 0);
        node.Only("exclude_outside", 0);
        node.Float("cubic_coeff_a", -0.75f); // of the cubic mode only
        node.Float("extrapolation_value", 0); // of tf_crop_and_resize only
        return x => Resample(x[0], x.Doubles(2), x.Longs(3), linear, coordinates, nearest);
    }

    /// <summary>The scales are an attribute up to opset 8, then an input.</summary>
    public static Func<Inputs, Tensor> Upsample(Node node)
    {
        var linear = node.OneOf("mode", "nearest", "nearest", "linear") == "linear";
        double[]? scales = node.Opset < 9 ? [.. (node.Floats("scales") ?? []).Select(scale => (double)scale)] : null;
        return x => Resample(x[0], scales ?? x.Doubles(1), null, linear, Asymmetric, MathF.Floor);
    }

    private static float HalfPixel(float position, float scale, long from, long to) => (position + 0.5f) / scale - 0.5f;

    private static float Asymmetric(float position, float scale, long from, long to) => position / scale;

    private static Tensor Resample(
        Tensor x, double[]? scales, long[]? sizes, bool linear, Coordinates coordinates, Func<float, float> nearest)
    {
        var from = x.shape;
        if ((sizes?.Length ?? scales?.Length) != from.Length)
            throw new GenIspException("its scales or sizes are missing, or not one an axis");
        // In float32, as ONNX Runtime: 10 × 0.7 is 7.
        var to = Inputs.Limit(sizes ?? [.. from.Zip(scales!, (size, scale) => checked((long)MathF.Floor(size * (float)scale)))]);
        var byAxis = new float[]?[to.Length];
        for (var axis = 0; axis < to.Length; axis++)
        {
            var size = from[axis];
            var scale = (float)(sizes is null ? scales![axis] : (double)to[axis] / size);
            if (to[axis] == size && scale == 1)
                continue;
            var places = byAxis[axis] = new float[to[axis]];
            for (var i = 0; i < places.Length; i++)
                places[i] = coordinates(i, scale, size, to[axis]);
        }
        if (x.dtype == ScalarType.Float32 && MatchesInterpolate(from, byAxis, linear, nearest))
        {
            return functional.interpolate(
                x, to[2..], mode: linear ? InterpolationMode.Bilinear : InterpolationMode.Nearest, align_corners: linear ? false : null);
        }
        for (var axis = 0; axis < to.Length; axis++)
        {
            if (byAxis[axis] is { } places)
                x = linear ? Linear(x, axis, places) : Pick(x, axis, places.Select(nearest));
        }
        return x;
    }

    // Images whose every place is that of libtorch's own operator, which keeps their order in memory and takes both axes at once.
    private static bool MatchesInterpolate(long[] from, float[]?[] places, bool linear, Func<float, float> nearest)
    {
        if (places is not [null, null, { } rows, { } columns])
            return false;
        bool AxisMatches(float[] ofAxis, long size)
        {
            var scale = (float)size / ofAxis.Length;
            float Clamped(float place) => Math.Clamp(place, 0, size - 1);
            return ofAxis.Index().All(place => linear
                ? Clamped(place.Item) == Clamped(scale * (place.Index + 0.5f) - 0.5f)
                : Clamped(nearest(place.Item)) == Clamped(MathF.Floor(place.Index * scale)));
        }
        return AxisMatches(rows, from[2]) && AxisMatches(columns, from[3]);
    }

    private static Tensor Pick(Tensor x, int axis, IEnumerable<float> places)
    {
        var last = x.shape[axis] - 1;
        long[] indices = [.. places.Select(place => (long)Math.Clamp(place, 0, last))];
        return x.index_select(axis, tensor(indices, dtype: ScalarType.Int64, device: x.device));
    }

    private static Tensor Linear(Tensor x, int axis, float[] places)
    {
        var last = x.shape[axis] - 1;
        float[] inside = [.. places.Select(place => Math.Clamp(place, 0, last))];
        var shape = Enumerable.Repeat(1L, (int)x.dim()).ToArray();
        shape[axis] = places.Length;
        var share = tensor([.. inside.Select(place => place - MathF.Floor(place))], shape, dtype: x.dtype, device: x.device);
        var (before, after) = (inside.Select(MathF.Floor), inside.Select(place => MathF.Floor(place) + 1));
        return (Pick(x, axis, before) * share.Complement()).Plus(Pick(x, axis, after) * share);
    }
}
