using System.Globalization;
using System.Text;
using System.Text.Json;

namespace GenIsp.Data;

/// <summary>
/// Walks through the lists of objects that COCO's files consist of, one pass, nothing kept but what is asked for. It knows where it
/// is, so that an error can say so.
/// </summary>
internal ref struct CocoJsonReader
{
    private readonly string _path;
    private Utf8JsonReader _reader;
    private string _list = "";
    private int _index;
    private string _key = "";
    private ReadOnlySpan<byte> _lastId;
    private string? _lastIdText;

    private CocoJsonReader(string path, ReadOnlySpan<byte> json)
    {
        _path = path;
        _reader = new Utf8JsonReader(json);
    }

    public delegate T Parser<T>(ref CocoJsonReader reader);

    /// <summary>Runs <paramref name="parse"/> over the file's text.</summary>
    /// <exception cref="GenIspException">The file can't be read or is not JSON, or what <paramref name="parse"/> throws.</exception>
    public static T Parse<T>(string path, Parser<T> parse)
    {
        byte[] json;
        try
        {
            json = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new GenIspException(File.Exists(path) ? $"{path} can't be read: {e.Message}" : $"{path} does not exist.", e);
        }
        ReadOnlySpan<byte> text = json;
        if (text.StartsWith(Encoding.UTF8.Preamble))
            text = text[Encoding.UTF8.Preamble.Length..];
        try
        {
            var reader = new CocoJsonReader(path, text);
            reader._reader.Read();
            var result = parse(ref reader);
            // Whatever follows the document is an error too.
            reader._reader.Read();
            return result;
        }
        catch (JsonException e)
        {
            var reason = e.Message.Split(" LineNumber")[0];
            throw new GenIspException($"{path} is not JSON, or is cut short (line {e.LineNumber + 1}): {reason}", e);
        }
    }

    /// <summary>The kind of the value that the reader stands on.</summary>
    public readonly JsonTokenType Kind => _reader.TokenType;

    /// <summary>Steps to the next key of the object that the reader is in, and onto its value. False at the object's end.</summary>
    public bool NextKey()
    {
        _reader.Read();
        if (_reader.TokenType != JsonTokenType.PropertyName)
            return false;
        _key = Text();
        _reader.Read();
        return true;
    }

    /// <summary>The key that the reader stands at.</summary>
    public readonly string Key => _key;

    /// <summary>Enters the list that the reader stands on; its objects follow by <see cref="NextObject"/>.</summary>
    public void EnterList(string name)
    {
        (_list, _index, _key) = (name, -1, "");
        if (_reader.TokenType != JsonTokenType.StartArray)
            throw new GenIspException($"{_path}: {(name.Length == 0 ? "the whole" : $"\"{name}\"")} must be a list, not {Found()}.");
    }

    /// <summary>Steps into the list's next object. False at its end.</summary>
    public bool NextObject()
    {
        _reader.Read();
        (_index, _key) = (_index + 1, "");
        if (_reader.TokenType == JsonTokenType.EndArray)
            return false;
        if (_reader.TokenType != JsonTokenType.StartObject)
            throw Wrong("an object");
        return true;
    }

    /// <summary>Passes over the value.</summary>
    public void Skip() => _reader.Skip();

    /// <summary>An id, which may be a number or a text: its text.</summary>
    public string Id()
    {
        if (_lastIdText is not null && _reader.ValueSpan.SequenceEqual(_lastId))
            return _lastIdText;
        _lastIdText = _reader.TokenType == JsonTokenType.String ? Text() : Whole().ToString(CultureInfo.InvariantCulture);
        _lastId = _reader.ValueSpan;
        return _lastIdText;
    }

    /// <summary>A text.</summary>
    public readonly string Text()
    {
        if (_reader.TokenType is not (JsonTokenType.String or JsonTokenType.PropertyName))
            throw Wrong("a text");
        try
        {
            return _reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw Wrong("a text in UTF-8");
        }
    }

    /// <summary>A whole number; 5.0 is one too.</summary>
    public readonly long Whole()
    {
        if (_reader.TokenType == JsonTokenType.Number)
        {
            if (_reader.TryGetInt64(out var whole))
                return whole;
            if (_reader.TryGetDouble(out var number) && Math.Abs(number) < 1L << 53 && number == Math.Truncate(number))
                return (long)number;
        }
        throw Wrong("a whole number");
    }

    /// <summary>A whole number of 32 bits.</summary>
    public readonly int Int() =>
        Whole() is >= int.MinValue and <= int.MaxValue and var value ? (int)value : throw Wrong("a smaller number");

    /// <summary>A width or height: a whole number from 1.</summary>
    public readonly int Side() => Int() is >= 1 and var side ? side : throw Wrong("at least 1");

    /// <summary>A finite number.</summary>
    public readonly double Number() =>
        _reader.TokenType == JsonTokenType.Number && _reader.TryGetDouble(out var value) && double.IsFinite(value)
            ? value
            : throw Wrong("a finite number");

    /// <summary>True or false; 1 or 0 mean the same.</summary>
    public readonly bool Flag() => _reader.TokenType switch
    {
        JsonTokenType.True => true,
        JsonTokenType.False => false,
        JsonTokenType.Number => Number() != 0,
        _ => throw Wrong("0, 1, true or false"),
    };

    /// <summary>A box: [x, y, width, height].</summary>
    public CocoBox Box()
    {
        const string Expected = "[x, y, width, height]";
        if (_reader.TokenType != JsonTokenType.StartArray)
            throw Wrong(Expected);
        Span<double> values = stackalloc double[4];
        foreach (ref var value in values)
        {
            _reader.Read();
            value = _reader.TokenType == JsonTokenType.EndArray ? throw Wrong(Expected) : Number();
        }
        _reader.Read();
        if (_reader.TokenType != JsonTokenType.EndArray)
            throw Wrong(Expected);
        return new CocoBox(values[0], values[1], values[2], values[3]);
    }

    /// <summary>The value of a key that the current object must have.</summary>
    public readonly T Needed<T>(T? value, string key) where T : struct => value ?? throw Lacks(key);

    /// <inheritdoc cref="Needed{T}(T?, string)"/>
    public readonly T Needed<T>(T? value, string key) where T : class => value ?? throw Lacks(key);

    private readonly GenIspException Lacks(string key) =>
        new($"{_path}: {Where(false)} lacks the key \"{key}\", which every entry must have.");

    private readonly GenIspException Wrong(string expected) => new($"{_path}: {Where(true)} is {Found()}, but must be {expected}.");

    private readonly string Where(bool withKey) =>
        (_list.Length > 0 || _index >= 0 ? $"{_list}[{_index}]" : "") + (withKey && _key.Length > 0 ? $".{_key}" : "");

    private readonly string Found() => _reader.TokenType switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "a list",
        JsonTokenType.EndArray => "too short",
        JsonTokenType.String => $"\"{Shown()}\"",
        _ => Shown(),
    };

    private readonly string Shown() => Encoding.UTF8.GetString(_reader.ValueSpan[..Math.Min(_reader.ValueSpan.Length, 40)]);
}
