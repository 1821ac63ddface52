using System.Numerics;

namespace GenIsp.Weights;

/// <summary>
/// PyTorch checkpoints: the zip format, and the sequence of pickles from before PyTorch 1.6, in which official files are still found.
/// No code in a file is ever run. The formats: torch/serialization.py of PyTorch.
/// </summary>
public static class PthFile
{
    private const int MaxNameLength = 512;

    // Where training scripts put the weights.
    private static readonly string[] Wrappers = ["state_dict", "model_state_dict", "model"];

    /// <summary>
    /// Reads the state dict of a checkpoint: the file itself, or its entry "state_dict", "model_state_dict" or "model". A "module."
    /// before every name, from DataParallel, is left out.
    /// </summary>
    /// <returns>The tensors in the file's order, with its own element types. Some may share memory, as they do in the file.</returns>
    /// <exception cref="GenIspException">
    /// The file can't be read, is damaged, holds no state dict, or asks for more than data, which is refused without running it.
    /// </exception>
    public static StateDict Read(string path)
    {
        using var file = InputFiles.Open(path);
        var budget = new ByteBudget(path, file.Length);
        var head = new byte[4];
        var read = file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        file.Position = 0;
        try
        {
            if (IsZip(head))
            {
                using var zip = new PthZip(file, path, budget);
                return Tensors(zip.Root, zip.Storage, path, budget);
            }
            if (IsPickle(head.AsSpan(0, read)))
            {
                var legacy = new PthLegacy(file, path);
                return Tensors(legacy.Root, legacy.Storage, path, budget);
            }
        }
        catch (Exception error) when (error is IOException or InvalidDataException)
        {
            throw new GenIspException($"{path} is damaged or cut off ({error.Message}). If it was downloaded, download it again.", error);
        }
        throw new GenIspException($"{path} is no PyTorch checkpoint.");
    }

    internal static bool IsZip(ReadOnlySpan<byte> head) => head.StartsWith("PK\x03\x04"u8);

    internal static bool IsPickle(ReadOnlySpan<byte> head) => head is [0x80, <= 5, ..];

    private static StateDict Tensors(object? root, Func<StorageReference, ReadOnlyMemory<byte>> storage, string path, ByteBudget budget)
    {
        var entries = Unwrap(root, path);
        var prefix = entries.All(entry => entry.Name.StartsWith("module.", StringComparison.Ordinal)) ? "module.".Length : 0;
        var state = new StateDict();
        foreach (var (name, tensor) in entries)
        {
            var key = name[prefix..];
            if (state.ContainsKey(key))
                throw new GenIspException($"{path} is damaged: it holds {key} twice.");
            var bytes = TensorData.ByteCount(tensor.Storage.Type, tensor.Shape);
            budget.Spend(bytes ?? long.MaxValue, key);
            state[key] = tensor.Read(storage(tensor.Storage), bytes!.Value) ?? throw new GenIspException(
                $"{path} is damaged: {key}, [{string.Join(", ", tensor.Shape)}] with strides [{string.Join(", ", tensor.Strides)}], "
                + $"reaches beyond the {tensor.Storage.Length} elements that are stored.");
        }
        return state;
    }

    private static List<(string Name, TensorReference Tensor)> Unwrap(object? root, string path)
    {
        // A dictionary may hold itself, so the depth is limited.
        for (var depth = 0; depth < 3 && root is PickleDict outer; depth++)
        {
            if (Wrappers.Select(outer.Find).FirstOrDefault(value => value is PickleDict) is not { } inner)
                break;
            root = inner;
        }
        if (root is not PickleDict { Entries: { Count: > 0 } entries })
            throw NoStateDict(path, root is PickleDict ? "it is empty" : $"it is {Describe(root)}");
        var tensors = new List<(string, TensorReference)>(entries.Count);
        foreach (var (key, value) in entries)
        {
            if (key is not string { Length: <= MaxNameLength } name)
                throw NoStateDict(path, $"a key in it is {Describe(key)}");
            if (value is not TensorReference tensor)
                throw NoStateDict(path, $"\"{name}\" in it is {Describe(value)}");
            tensors.Add((name, tensor));
        }
        return tensors;
    }

    private static GenIspException NoStateDict(string path, string why) =>
        new($"{path} holds no state dict, a dictionary of tensors, at its top or in {string.Join(", ", Wrappers)}: {why}. "
            + "In PyTorch, save model.state_dict().");

    private static string Describe(object? value) => value switch
    {
        null => "None",
        bool => "a bool",
        long or BigInteger => "an integer",
        double => "a float",
        string => "a string",
        object?[] => "a tuple",
        List<object?> => "a list",
        PickleDict => "a dictionary",
        TensorReference => "a tensor",
        StorageReference => "a storage",
        PickleGlobal global => global.Name,
        InertObject inert => $"of type {inert.Type}",
        _ => "something else",
    };
}

/// <summary>
/// Limits what reading a file may allocate: tensors may share or repeat what is stored, but a small file can't ask for a large memory.
/// </summary>
internal sealed class ByteBudget(string path, long fileLength)
{
    private const long Allowance = 64 << 20;
    private const long Factor = 4;

    private long _left = Allowance + Factor * fileLength;

    /// <exception cref="GenIspException">The file asks for too much, all together.</exception>
    public void Spend(long bytes, string what)
    {
        if (bytes > _left)
            throw new GenIspException($"{path} is refused: up to {what} it asks for far more memory than its {fileLength} bytes explain.");
        _left -= bytes;
    }
}
