using System.Collections;
using System.Diagnostics.CodeAnalysis;
using static TorchSharp.torch;

namespace GenIsp.Weights;

/// <summary>Named tensors in a file's order, with what the file says of them (safetensors' metadata).</summary>
public sealed class StateDict : IReadOnlyDictionary<string, TensorData>
{
    private readonly OrderedDictionary<string, TensorData> _tensors = new(StringComparer.Ordinal);

    /// <summary>Free text by key; empty where the format has none.</summary>
    public Dictionary<string, string> Metadata { get; } = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public int Count => _tensors.Count;

    /// <inheritdoc/>
    public IEnumerable<string> Keys => _tensors.Keys;

    /// <inheritdoc/>
    public IEnumerable<TensorData> Values => _tensors.Values;

    /// <inheritdoc/>
    public TensorData this[string key]
    {
        get => _tensors[key];
        set => _tensors[key] = value;
    }

    /// <summary>The parameters and buffers of a module, copied: floating-point ones in float32, integers in int64.</summary>
    public static StateDict From(nn.Module module)
    {
        var state = new StateDict();
        foreach (var (name, tensor) in module.state_dict())
        {
            using var scope = NewDisposeScope();
            var copy = tensor.detach().to(tensor.is_floating_point() ? ScalarType.Float32 : ScalarType.Int64).cpu().contiguous();
            state[name] = tensor.is_floating_point()
                ? TensorData.FromSingles(copy.data<float>().ToArray(), copy.shape)
                : TensorData.FromInt64s(copy.data<long>().ToArray(), copy.shape);
        }
        return state;
    }

    /// <inheritdoc/>
    public bool ContainsKey(string key) => _tensors.ContainsKey(key);

    /// <inheritdoc/>
    public bool TryGetValue(string key, [MaybeNullWhen(false)] out TensorData value) => _tensors.TryGetValue(key, out value);

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, TensorData>> GetEnumerator() => _tensors.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>
    /// Copies every tensor into the module's parameter or buffer of the same name. Nothing is copied unless all fit; only the batch
    /// counts of batch norms (<c>num_batches_tracked</c>) may be missing, since files before PyTorch 0.4.1 lack them.
    /// </summary>
    /// <param name="module">Its parameters and buffers are overwritten in their own dtype.</param>
    /// <param name="source">The file's name, for the error.</param>
    /// <exception cref="GenIspException">Names are missing or unexpected, or shapes differ: all of them are listed.</exception>
    public void CopyTo(nn.Module module, string source)
    {
        var targets = module.state_dict();
        Check(targets.ToDictionary(target => target.Key, target => target.Value.shape), module.GetName(), source);
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        foreach (var (name, data) in this)
        {
            using var values = data.ToTorch();
            targets[name].copy_(values);
        }
    }

    /// <summary>Refuses the tensors unless they are those of a model, by name and shape.</summary>
    /// <param name="shapes">The model's.</param>
    /// <param name="model">Its name, for the error.</param>
    /// <param name="source">The file's name, for the error.</param>
    /// <exception cref="GenIspException">As for <see cref="CopyTo"/>.</exception>
    internal void Check(IReadOnlyDictionary<string, long[]> shapes, string model, string source)
    {
        var missing = shapes.Keys.Where(name => !ContainsKey(name) && !name.EndsWith(".num_batches_tracked", StringComparison.Ordinal));
        var unexpected = Keys.Where(name => !shapes.ContainsKey(name));
        var misshaped = this.Where(pair => shapes.TryGetValue(pair.Key, out var shape) && !shape.SequenceEqual(pair.Value.Shape))
            .Select(pair => $"{pair.Key} is [{string.Join(", ", pair.Value.Shape)}], not [{string.Join(", ", shapes[pair.Key])}]");
        var problems = string.Join("; ", new[]
        {
            List("missing", missing), List("unexpected", unexpected), List("of another shape", misshaped),
        }.Where(text => text.Length > 0));
        if (problems.Length > 0)
            throw new GenIspException($"{source} does not fit {model}: {problems}. These are the weights of another model.");
    }

    private static string List(string what, IEnumerable<string> names)
    {
        const int Shown = 8;
        var all = names.ToList();
        var rest = all.Count > Shown ? $" and {all.Count - Shown} more" : "";
        return all.Count == 0 ? "" : $"{all.Count} {what}: {string.Join(", ", all.Take(Shown))}{rest}";
    }
}
