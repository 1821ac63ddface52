namespace GenIsp.Weights;

/// <summary>A Python dictionary: its entries in order. Keys are not hashed, since any value may be one.</summary>
internal sealed class PickleDict
{
    public List<(object? Key, object? Value)> Entries { get; } = [];

    /// <summary>The value that was last set for a key, or null.</summary>
    public object? Find(string key) => Entries.FindLast(entry => entry.Key is string name && name == key).Value;
}

/// <summary>What is left of a Python object whose content doesn't matter: its type's name.</summary>
internal sealed record InertObject(string Type);

/// <summary>A Python name that a pickle may use.</summary>
/// <param name="Name">The module and the name.</param>
/// <param name="Call">What calling it gives: data, or null when the arguments are wrong.</param>
internal sealed record PickleGlobal(string Name, Func<object?[], object?> Call);

/// <summary>The only Python names that a pickle may use. Calling one makes data; nothing of Python is ever run.</summary>
internal static class PickleGlobals
{
    private static readonly Dictionary<string, TensorType> StorageTypes = new(StringComparer.Ordinal)
    {
        ["torch.DoubleStorage"] = TensorType.Float64,
        ["torch.FloatStorage"] = TensorType.Float32,
        ["torch.HalfStorage"] = TensorType.Float16,
        ["torch.BFloat16Storage"] = TensorType.BFloat16,
        ["torch.LongStorage"] = TensorType.Int64,
        ["torch.IntStorage"] = TensorType.Int32,
        ["torch.ShortStorage"] = TensorType.Int16,
        ["torch.CharStorage"] = TensorType.Int8,
        ["torch.ByteStorage"] = TensorType.UInt8,
        ["torch.BoolStorage"] = TensorType.Bool,
    };

    // What training scripts keep beside the weights: options, scores, random states. It is skipped.
    private static readonly string[] Inert =
    [
        "argparse.Namespace", "collections.Counter", "collections.defaultdict", "collections.deque", "_codecs.encode",
        "builtins.bytearray", "builtins.complex", "builtins.dict", "builtins.float", "builtins.frozenset", "builtins.int",
        "builtins.list", "builtins.range", "builtins.set", "builtins.slice", "builtins.str", "builtins.tuple",
        "__builtin__.bytearray", "__builtin__.complex", "__builtin__.dict", "__builtin__.float", "__builtin__.frozenset",
        "__builtin__.int", "__builtin__.list", "__builtin__.set", "__builtin__.slice", "__builtin__.str", "__builtin__.tuple",
        "datetime.date", "datetime.datetime", "datetime.timedelta",
        "numpy.dtype", "numpy.ndarray", "numpy.core.multiarray.scalar", "numpy.core.multiarray._reconstruct",
        "numpy._core.multiarray.scalar", "numpy._core.multiarray._reconstruct", "numpy._core.numeric._frombuffer",
        "pathlib.Path", "pathlib.PosixPath", "pathlib.PurePosixPath", "pathlib.WindowsPath",
        "torch.Size", "torch.device", "torch.dtype",
        "torch.float64", "torch.float32", "torch.float16", "torch.bfloat16", "torch.int64", "torch.int32", "torch.int16", "torch.int8",
        "torch.uint8", "torch.bool",
    ];

    private static readonly Dictionary<string, PickleGlobal> Known = All().ToDictionary(global => global.Name, StringComparer.Ordinal);

    /// <summary>What a name stands for, or null when a pickle may not use it.</summary>
    public static PickleGlobal? Find(string name) => Known.GetValueOrDefault(name);

    /// <summary>The elements of a storage class, or null when it is none.</summary>
    public static TensorType? StorageType(PickleGlobal global) =>
        StorageTypes.TryGetValue(global.Name, out var type) ? type : null;

    private static IEnumerable<PickleGlobal> All() =>
    [
        new("collections.OrderedDict", OrderedDict),
        new("torch._utils._rebuild_tensor", TensorReference.From),
        new("torch._utils._rebuild_tensor_v2", TensorReference.From),
        new("torch._utils._rebuild_parameter", arguments => arguments is [TensorReference tensor, ..] ? tensor : null),
        .. StorageTypes.Keys.Select(name => new PickleGlobal(name, _ => null)),
        .. Inert.Select(name => new PickleGlobal(name, _ => new InertObject(name))),
    ];

    // Python 2 wrote one list of [key, value] lists; since then it is made empty and filled.
    private static PickleDict? OrderedDict(object?[] arguments)
    {
        var dict = new PickleDict();
        if (arguments is [List<object?> pairs])
        {
            foreach (var pair in pairs)
            {
                if (pair is not List<object?> { Count: 2 } entry)
                    return null;
                dict.Entries.Add((entry[0], entry[1]));
            }
        }
        else if (arguments.Length > 0)
        {
            return null;
        }
        return dict;
    }
}
