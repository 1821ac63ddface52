using System.Text.Json;
using GenIsp.Geometry;

namespace GenIsp.Raw;

/// <summary>
/// The reader of all JSON files that describe a sensor. Each key is read by a method that says, when it is wrong, the file, the key, what
/// was found and what is expected; a key that nobody asked for is an error too, since it is most likely a typing error.
/// </summary>
internal sealed class SensorJson
{
    private static readonly JsonDocumentOptions Lenient = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    private readonly string _path;
    private readonly string _example;
    private readonly Dictionary<string, JsonElement> _values = new(StringComparer.Ordinal);
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);

    private SensorJson(string path, string example) => (_path, _example) = (path, example);

    /// <summary>Parses a file; <paramref name="example"/> is shown when it is not as it should be.</summary>
    /// <exception cref="GenIspException">It can't be read, or is no JSON object.</exception>
    public static SensorJson Read(string path, string example)
    {
        var reader = new SensorJson(path, example);
        try
        {
            using var document = JsonDocument.Parse(InputFiles.ReadText(path), Lenient);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new GenIspException($"{path} is no JSON object. It should look like {example}.");
            foreach (var property in document.RootElement.EnumerateObject())
                reader._values[property.Name] = property.Value.Clone();
        }
        catch (JsonException e)
        {
            throw new GenIspException($"{path} is not JSON, at line {e.LineNumber + 1}. It should look like {example}.", e);
        }
        return reader;
    }

    /// <summary>Whether the key is there.</summary>
    public bool Has(string key) => _values.ContainsKey(key);

    /// <summary>A whole number, or null where the key is missing.</summary>
    public int? Whole(string key, int min) => Value(key) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number >= min ? number
        : throw Bad(key, $"a whole number of at least {min}");

    /// <summary>A finite number, or null where the key is missing.</summary>
    public double? Number(string key, double min, double max) => Value(key) is not { } value ? null
        : Finite(value) is double number && number >= min && number <= max ? number
        : throw Bad(key, $"a number from {min:g} to {max:g}");

    /// <summary>A text, or null where the key is missing.</summary>
    public string? Text(string key) => Value(key) is not { } value ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString()
        : throw Bad(key, "a text");

    /// <summary>One number or [r, g1, g2, b] as four; null where the key is missing.</summary>
    public double[]? Blacks(string key)
    {
        if (Value(key) is not { } value)
            return null;
        if (Finite(value) is double one)
            return [one, one, one, one];
        return Numbers(value, 4) ?? throw Bad(key, "one number or [r, g1, g2, b]");
    }

    /// <summary>Gains of red, green and blue, above 0; null where the key is missing.</summary>
    public WhiteBalance? Gains(string key)
    {
        if (Value(key) is not { } value)
            return null;
        return Numbers(value, 3) is { } gains && gains.All(gain => gain > 0)
            ? new WhiteBalance(gains[0] / gains[1], gains[2] / gains[1])
            : throw Bad(key, "the gains of red, green and blue: [r, g, b], each above 0");
    }

    /// <summary>An invertible matrix; null where the key is missing.</summary>
    public Matrix3? Matrix(string key)
    {
        if (Value(key) is not { } value)
            return null;
        double[]?[] rows = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().Select(row => Numbers(row, 3))] : [];
        if (rows.Length != 3 || rows.Contains(null))
            throw Bad(key, "3 rows of 3 numbers");
        var matrix = Matrix3.FromRows(rows!);
        return matrix.IsSingular ? throw Bad(key, "invertible, neither zero nor singular: it maps CIE XYZ to camera RGB") : matrix;
    }

    /// <summary>The Bayer pattern.</summary>
    public BayerPattern Pattern(string key)
    {
        var name = Text(key) ?? throw Missing(key);
        return BayerPattern.Parse(name) ?? throw Bad(key, $"one of {string.Join(", ", BayerPattern.All)}");
    }

    /// <summary>The value's error.</summary>
    public GenIspException Bad(string key, string expected) =>
        new($"{_path}: \"{key}\" is {Shorten(_values[key].GetRawText())}, but must be {expected}.");

    /// <summary>The error of a key that must be there.</summary>
    public GenIspException Missing(string key) => new(
        $"{_path}: \"{key}\" is missing among {string.Join(", ", _values.Keys)}. It should look like {_example}.");

    /// <summary>Refuses keys that nothing above has asked for.</summary>
    public void RefuseOthers()
    {
        if (_values.Keys.FirstOrDefault(key => !_asked.Contains(key)) is { } unknown)
            throw new GenIspException($"{_path}: the key \"{unknown}\" is unknown. Known are {string.Join(", ", _asked.Order())}.");
    }

    private JsonElement? Value(string key)
    {
        _asked.Add(key);
        return _values.TryGetValue(key, out var value) ? value : null;
    }

    private static double[]? Numbers(JsonElement value, int count)
    {
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() != count)
            return null;
        double?[] numbers = [.. value.EnumerateArray().Select(Finite)];
        return numbers.Contains(null) ? null : [.. numbers.Select(number => number!.Value)];
    }

    private static double? Finite(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number) ? number : null;

    private static string Shorten(string text) => text.Length <= 60 ? text : text[..60] + "…";
}
