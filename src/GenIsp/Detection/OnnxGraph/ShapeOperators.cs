using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace GenIsp.Detection.OnnxGraph;

/// <summary>Operators that move elements, and those that compute shapes.</summary>
internal static class ShapeOperators
{
    public static Dictionary<string, Operator> All { get; } = new()
    {
        ["Constant"] = Constant,
        ["ConstantOfShape"] = ConstantOfShape,
        ["Range"] = _ => Range,
        ["Shape"] = Shape,
        ["Reshape"] = Reshape,
        ["Flatten"] = Flatten,
        ["Transpose"] = Transpose,
        ["Squeeze"] = Squeeze,
        ["Unsqueeze"] = Unsqueeze,
        ["Expand"] = _ => x => x[0].expand(Inputs.Broadcast(x[0].shape, x.RequiredLongs(1))),
        ["Tile"] = _ => Tile,
        ["Concat"] = Concat,
        ["Slice"] = Slice,
        ["Gather"] = Gather,
        ["Pad"] = Pad,
    };

    /// <summary>The one operator with several outputs. Its sizes are an attribute up to opset 12, then an input.</summary>
    public static Kernel Split(Node node)
    {
        var axis = node.Int("axis", 0);
        var attribute = node.Opset < 13 ? node.Ints("split") : null;
        var parts = node.Proto.Output.Count;
        if (node.Opset >= 18)
            node.Only("num_outputs", parts);
        return x =>
        {
            var dim = Inputs.Axis(axis, x[0].dim());
            var size = x[0].shape[dim];
            var part = (size + parts - 1) / Math.Max(1, parts); // Where the parts are not equal, the last is the smaller one.
            var sizes = (node.Opset < 13 ? attribute : x.Longs(1))
                ?? [.. Enumerable.Range(0, parts).Select(i => Math.Clamp(size - i * part, 0, part))];
            return x[0].split(sizes, dim);
        };
    }

    private static Func<Inputs, Tensor> Constant(Node node)
    {
        Tensor Make() => node.TensorValue("value")
            ?? (node.Has("value_float") ? tensor(node.Float("value_float", 0), dtype: node.Type)
                : node.Floats("value_floats") is { } floats ? tensor(floats, dtype: node.Type)
                : node.Has("value_int") ? tensor(node.Int("value_int", 0), dtype: ScalarType.Int64)
                : node.Ints("value_ints") is { } ints ? tensor(ints, dtype: ScalarType.Int64)
                : throw new UnsupportedException("its value is of another kind"));

        using (Make()) // So that what is wrong with it is known before anything runs.
            return _ => Make();
    }

    private static Func<Inputs, Tensor> ConstantOfShape(Node node)
    {
        node.Has("value");
        return x =>
        {
            var value = node.TensorValue("value") ?? zeros(1, dtype: node.Type);
            return value.reshape(1).expand(Inputs.Limit(x.RequiredLongs(0))).contiguous();
        };
    }

    // start, limit (exclusive), delta
    private static Tensor Range(Inputs x)
    {
        var (start, delta) = (x[0], x[2]);
        var steps = start.dtype == ScalarType.Int64
            ? decimal.Ceiling(((decimal)x.RequiredLongs(1)[0] - x.RequiredLongs(0)[0]) / x.RequiredLongs(2)[0])
            : (decimal)Math.Ceiling((x.Doubles(1)![0] - x.Doubles(0)![0]) / x.Doubles(2)![0]);
        var count = Inputs.Limit((long)Math.Max(0, steps))[0];
        using var first = 0.ToScalar();
        using var end = count.ToScalar();
        using var step = 1.ToScalar();
        return (arange(first, end, step, dtype: start.dtype, device: start.device) * delta.reshape([])).Plus(start.reshape([]));
    }

    private static Func<Inputs, Tensor> Shape(Node node)
    {
        var (start, end) = (node.Int("start", 0), node.Int("end", long.MaxValue));
        return x =>
        {
            var rank = x[0].dim();
            var from = Within(start, rank);
            return tensor(x[0].shape[(int)from..(int)Math.Max(from, Within(end, rank))], dtype: ScalarType.Int64);
        };
    }

    // A position counted from the end when negative, moved into 0..size.
    private static long Within(long position, long size) => Math.Clamp(position < 0 ? position + size : position, 0, size);

    private static Func<Inputs, Tensor> Reshape(Node node)
    {
        var zeroIsZero = node.Flag("allowzero");
        return x =>
        {
            var shape = x.RequiredLongs(1);
            for (var i = 0; i < shape.Length && !zeroIsZero; i++)
                shape[i] = shape[i] == 0 ? x[0].shape[i] : shape[i];
            return x[0].reshape(shape);
        };
    }

    private static Func<Inputs, Tensor> Flatten(Node node)
    {
        var axis = node.Int("axis", 1);
        return x =>
        {
            var rows = x[0].shape[..(axis == x[0].dim() ? (int)axis : Inputs.Axis(axis, x[0].dim()))];
            return x[0].reshape(rows.Aggregate(1L, (product, size) => product * size), -1);
        };
    }

    private static Func<Inputs, Tensor> Transpose(Node node)
    {
        var order = node.Ints("perm");
        return x => x[0].permute(order ?? [.. Enumerable.Range(0, (int)x[0].dim()).Select(axis => (long)axis).Reverse()]);
    }

    // Squeeze, Unsqueeze: the axes are an attribute up to opset 12, then an input.
    private static Func<Inputs, long[]?> AxesOf(Node node)
    {
        var attribute = node.Opset < 13 ? node.Ints("axes") : null;
        return x => node.Opset < 13 ? attribute : x.Longs(1);
    }

    private static Func<Inputs, Tensor> Squeeze(Node node)
    {
        var axesOf = AxesOf(node);
        return x =>
        {
            var shape = x[0].shape;
            int[] axes = axesOf(x) is { } given
                ? Inputs.Axes(given, shape.Length)
                : [.. Enumerable.Range(0, shape.Length).Where(axis => shape[axis] == 1)];
            if (axes.Any(axis => shape[axis] != 1))
                throw new GenIspException($"[{string.Join(", ", shape)}] can't lose axes {string.Join(", ", axes)}");
            return x[0].reshape([.. shape.Where((_, axis) => !axes.Contains(axis))]);
        };
    }

    private static Func<Inputs, Tensor> Unsqueeze(Node node)
    {
        var axesOf = AxesOf(node);
        return x =>
        {
            var given = axesOf(x) ?? throw new GenIspException("it names no axes");
            var shape = x[0].shape.ToList();
            foreach (var axis in Inputs.Axes(given, shape.Count + given.Length).Order())
                shape.Insert(axis, 1);
            return x[0].reshape([.. shape]);
        };
    }

    private static Tensor Tile(Inputs x)
    {
        var repeats = x.RequiredLongs(1);
        Inputs.Limit([.. x[0].shape.Zip(repeats.Select(n => Inputs.Limit(n)[0]), (size, n) => size * n)]);
        return repeats.Length == x[0].dim() ? x[0].tile(repeats) : throw new GenIspException("it has too few or too many repeats");
    }

    private static Func<Inputs, Tensor> Concat(Node node)
    {
        var axis = node.Int("axis", 1);
        return x =>
        {
            var all = x.All();
            Inputs.Limit(all.Sum(tensor => tensor.numel()));
            return cat(all, Inputs.Axis(axis, x[0].dim()));
        };
    }

    // Everything but the tensor is an attribute up to opset 9, then an input.
    private static Func<Inputs, Tensor> Slice(Node node)
    {
        if (node.Opset < 10)
        {
            var (starts, ends, axes) = (node.Ints("starts") ?? [], node.Ints("ends") ?? [], node.Ints("axes"));
            return x => SliceAxes(x[0], starts, ends, axes, null);
        }
        return x => SliceAxes(x[0], x.RequiredLongs(1), x.RequiredLongs(2), x.Longs(3), x.Longs(4));
    }

    private static Tensor SliceAxes(Tensor x, long[] starts, long[] ends, long[]? axes, long[]? steps)
    {
        var dims = Inputs.Axes(axes ?? [.. Enumerable.Range(0, starts.Length)], x.dim());
        if (ends.Length != starts.Length || dims.Length != starts.Length || (steps ?? starts).Length != starts.Length)
            throw new GenIspException("its starts, ends, axes and steps differ in number");
        for (var i = 0; i < dims.Length; i++)
        {
            var size = x.shape[dims[i]];
            var step = Math.Clamp(steps?[i] ?? 1, -int.MaxValue, int.MaxValue);
            if (step > 0)
            {
                var start = Within(starts[i], size);
                x = x.slice(dims[i], start, Math.Max(start, Within(ends[i], size)), step);
            }
            else if (step == 0)
            {
                throw new GenIspException("its step is 0");
            }
            else
            {
                // Backwards, which libtorch's slices can't go: from start down to what stands after end.
                var first = Math.Min(Math.Max(starts[i] < 0 ? starts[i] + size : starts[i], -1), size - 1);
                var end = Math.Max(ends[i] < 0 ? ends[i] + size : ends[i], -1);
                var indices = new List<long>();
                for (var at = first; at > end; at += step)
                    indices.Add(at);
                x = x.index_select(dims[i], tensor(indices, dtype: ScalarType.Int64, device: x.device));
            }
        }
        return x;
    }

    private static Func<Inputs, Tensor> Gather(Node node)
    {
        var axis = node.Int("axis", 0);
        return x =>
        {
            var (data, indices) = (x[0], x[1]);
            var dim = Inputs.Axis(axis, data.dim());
            var shape = Inputs.Limit([.. data.shape[..dim], .. indices.shape, .. data.shape[(dim + 1)..]]);
            var positions = where(indices.IsBelow(0), indices.Plus(tensor(data.shape[dim], device: indices.device)), indices);
            return data.index_select(dim, positions.flatten()).reshape(shape);
        };
    }

    // Everything but the mode is an attribute up to opset 10, then an input.
    private static Func<Inputs, Tensor> Pad(Node node)
    {
        var mode = node.OneOf("mode", "constant", "constant", "reflect", "edge") switch
        {
            "constant" => PaddingModes.Constant,
            "reflect" => PaddingModes.Reflect,
            _ => PaddingModes.Replicate,
        };
        var (pads, value) = node.Opset < 11 ? (node.Ints("pads") ?? [], node.Float("value", 0)) : ([], 0);
        return x => node.Opset < 11
            ? PadAxes(x[0], pads, null, mode, value)
            : PadAxes(x[0], x.RequiredLongs(1), x.Longs(3), mode, x.Doubles(2)?[0] ?? 0);
    }

    // pads: the begin of each axis, then the end of each.
    private static Tensor PadAxes(Tensor x, long[] pads, long[]? axes, PaddingModes mode, double value)
    {
        var rank = (int)x.dim();
        var dims = axes is null ? [.. Enumerable.Range(0, rank)] : Inputs.Axes(axes, rank);
        if (pads.Length != 2 * dims.Length)
            throw new GenIspException($"it has {pads.Length} pads for {dims.Length} axes");
        var byAxis = new (long Begin, long End)[rank];
        for (var i = 0; i < dims.Length; i++)
            byAxis[dims[i]] = (pads[i], pads[dims.Length + i]);
        Inputs.Limit([.. byAxis.Select((pad, axis) => checked(x.shape[axis] + pad.Begin + pad.End))]);
        // libtorch counts from the last axis, and reflects only where the first axes are not named.
        var first = Math.Max(0, Array.FindIndex(byAxis, pad => pad != default));
        return functional.pad(x, [.. byAxis[first..].Reverse().SelectMany(pad => new[] { pad.Begin, pad.End })], mode, value);
    }
}
