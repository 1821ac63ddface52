using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace GenIsp.Weights;

/// <summary>
/// Reads Python's pickles, in the binary opcodes that PyTorch writes (protocol 2, and what 3 and 4 add). It only ever builds inert
/// data: a global is looked up in <see cref="PickleGlobals"/>, and one that isn't there ends the reading, so no file can run anything.
/// The graph is built without recursion, and its size is limited whatever the file says.
/// </summary>
/// <remarks>
/// Values are null, bool, long, <see cref="BigInteger"/>, double, string, object?[] (a tuple), List&lt;object?&gt;,
/// <see cref="PickleDict"/>, <see cref="PickleGlobal"/>, <see cref="TensorReference"/>, <see cref="StorageReference"/> and
/// <see cref="InertObject"/>. The opcodes: Python's Lib/pickletools.py.
/// </remarks>
internal sealed class PickleMachine(ReadOnlyMemory<byte> data, string file)
{
    // A checkpoint needs about 40 steps a tensor. A step makes at most one small object.
    private const int MaxSteps = 2_000_000;
    private const int MaxNameLength = 256;

    private static readonly InertObject Bytes = new("bytes");

    private readonly List<object?> _stack = [];
    private readonly List<int> _marks = [];
    private readonly Dictionary<uint, object?> _memo = [];
    private int _steps;

    /// <summary>Where the next byte is read: after a pickle, behind its end.</summary>
    public int Position { get; private set; }

    /// <summary>Every storage that was named, by its key.</summary>
    public Dictionary<string, StorageReference> Storages { get; } = new(StringComparer.Ordinal);

    /// <summary>Reads one pickle, from <see cref="Position"/> on.</summary>
    /// <exception cref="GenIspException">It is damaged, too large, or asks for anything but data.</exception>
    public object? Load()
    {
        _stack.Clear();
        _marks.Clear();
        _memo.Clear();
        while (true)
        {
            CountSteps(1);
            var opcode = Take(1)[0];
            if (opcode == (byte)'.')
                return Pop();
            Step(opcode);
        }
    }

    /// <summary>An error that names the file and the place.</summary>
    public GenIspException Damaged(string what) =>
        new($"{file} is damaged, or was changed by someone: {what} (byte {Position} of its pickle). Nothing in it was run.");

    private void Step(byte opcode)
    {
        switch (opcode)
        {
            case 0x80: // PROTO
                if (Take(1)[0] is var protocol and > 5)
                    throw Damaged($"pickle protocol {protocol} does not exist");
                break;
            case 0x95: // FRAME
                Take(8);
                break;
            case (byte)'N':
                Push(null);
                break;
            case 0x88:
                Push(true);
                break;
            case 0x89:
                Push(false);
                break;
            case (byte)'J':
                Push((long)BinaryPrimitives.ReadInt32LittleEndian(Take(4)));
                break;
            case (byte)'K':
                Push((long)Take(1)[0]);
                break;
            case (byte)'M':
                Push((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2)));
                break;
            case 0x8a: // LONG1
                PushInteger(new BigInteger(Take(Take(1)[0])));
                break;
            case (byte)'G':
                Push(BinaryPrimitives.ReadDoubleBigEndian(Take(8)));
                break;
            case (byte)'X': // BINUNICODE
                Push(Encoding.UTF8.GetString(Take(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)))));
                break;
            case 0x8c: // SHORT_BINUNICODE
                Push(Encoding.UTF8.GetString(Take(Take(1)[0])));
                break;
            case (byte)'T': // BINSTRING, of Python 2
                Push(Encoding.Latin1.GetString(Take(BinaryPrimitives.ReadInt32LittleEndian(Take(4)))));
                break;
            case (byte)'U': // SHORT_BINSTRING, of Python 2
                Push(Encoding.Latin1.GetString(Take(Take(1)[0])));
                break;
            case (byte)'B': // BINBYTES
                Take(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)));
                Push(Bytes);
                break;
            case (byte)'C': // SHORT_BINBYTES
                Take(Take(1)[0]);
                Push(Bytes);
                break;
            default:
                StepOnStack(opcode);
                break;
        }
    }

    private void StepOnStack(byte opcode)
    {
        switch (opcode)
        {
            case (byte)'(':
                _marks.Add(_stack.Count);
                break;
            case (byte)'0':
                Pop();
                break;
            case (byte)'1':
                PopToMark();
                break;
            case (byte)'2':
                Push(Peek());
                break;
            case (byte)'q': // BINPUT
                _memo[Take(1)[0]] = Peek();
                break;
            case (byte)'r': // LONG_BINPUT
                _memo[BinaryPrimitives.ReadUInt32LittleEndian(Take(4))] = Peek();
                break;
            case 0x94: // MEMOIZE
                _memo[(uint)_memo.Count] = Peek();
                break;
            case (byte)'h': // BINGET
                Push(Remembered(Take(1)[0]));
                break;
            case (byte)'j': // LONG_BINGET
                Push(Remembered(BinaryPrimitives.ReadUInt32LittleEndian(Take(4))));
                break;
            case (byte)')':
                Push(Array.Empty<object?>());
                break;
            case (byte)'t':
                Push(PopToMark());
                break;
            case 0x85 or 0x86 or 0x87: // TUPLE1, TUPLE2, TUPLE3
                Push(PopLast(opcode - 0x84));
                break;
            case (byte)']':
                Push(new List<object?>());
                break;
            case (byte)'l':
                Push(new List<object?>(PopToMark()));
                break;
            case (byte)'a':
                Append(PopLast(1));
                break;
            case (byte)'e':
                Append(PopToMark());
                break;
            case (byte)'}':
                Push(new PickleDict());
                break;
            case (byte)'d':
                var entries = PopToMark();
                Push(new PickleDict());
                SetItems(entries);
                break;
            case (byte)'s':
                SetItems(PopLast(2));
                break;
            case (byte)'u':
                SetItems(PopToMark());
                break;
            case 0x8f: // EMPTY_SET
                Push(new InertObject("set"));
                break;
            case 0x90: // ADDITEMS
                Append(PopToMark());
                break;
            case 0x91: // FROZENSET
                PopToMark();
                Push(new InertObject("frozenset"));
                break;
            default:
                StepOnObjects(opcode);
                break;
        }
    }

    private void StepOnObjects(byte opcode)
    {
        switch (opcode)
        {
            case (byte)'c': // GLOBAL
                var module = Line();
                Push(Global(module, Line()));
                break;
            case 0x93: // STACK_GLOBAL
                if (PopLast(2) is not [string from, string name] || from.Length > MaxNameLength || name.Length > MaxNameLength)
                    throw Damaged("a global without a name");
                Push(Global(from, name));
                break;
            case (byte)'R' or 0x81: // REDUCE, NEWOBJ
                if (PopLast(2) is not [PickleGlobal global, object?[] arguments])
                    throw Damaged("something is called that is no function");
                Push(Call(global, arguments));
                break;
            case 0x92: // NEWOBJ_EX
                if (PopLast(3) is not [PickleGlobal type, object?[] positional, _])
                    throw Damaged("something is made of what is no class");
                Push(Call(type, positional));
                break;
            case (byte)'b': // BUILD: attributes, such as a state dict's _metadata, which nothing here needs.
                Pop();
                if (Peek() is not (PickleDict or InertObject))
                    throw Damaged("attributes are set on what has none");
                break;
            case (byte)'Q': // BINPERSID
                Push(Storage(Pop()));
                break;
            default:
                throw Damaged($"opcode 0x{opcode:x2}, which PyTorch does not write");
        }
    }

    private PickleGlobal Global(string module, string name) =>
        PickleGlobals.Find($"{module}.{name}") ?? throw new GenIspException(
            $"{file} is refused: it asks for the Python object {Printable($"{module}.{name}")}, which is no part of a table of weights. "
            + "Nothing in it was run. If you trust whoever made it, save only model.state_dict() with PyTorch, and read that.");

    private object Call(PickleGlobal global, object?[] arguments)
    {
        // Only an OrderedDict of pairs takes more than one step to make.
        if (arguments is [List<object?> pairs])
            CountSteps(pairs.Count);
        return global.Call(arguments) ?? throw Damaged($"{global.Name} with arguments that PyTorch does not write");
    }

    private StorageReference Storage(object? persistentId)
    {
        var storage = StorageReference.From(persistentId) ?? throw Damaged("a storage that is described in an unknown way");
        if (Storages.TryGetValue(storage.Key, out var known) && (known.Type, known.Count) != (storage.Type, storage.Count))
            throw Damaged($"storage {storage.Key} is described in two ways");
        Storages[storage.Key] = storage;
        return storage;
    }

    private void Append(object?[] items)
    {
        if (Peek() is List<object?> list)
            list.AddRange(items);
        else if (Peek() is not InertObject)
            throw Damaged("something is appended to what is no list");
    }

    private void SetItems(object?[] items)
    {
        if (items.Length % 2 != 0)
            throw Damaged("a key without a value");
        if (Peek() is PickleDict dict)
        {
            for (var i = 0; i < items.Length; i += 2)
                dict.Entries.Add((items[i], items[i + 1]));
        }
        else if (Peek() is not InertObject)
        {
            throw Damaged("an item is set in what is no dictionary");
        }
    }

    private void Push(object? value) => _stack.Add(value);

    private object? Peek() => _stack.Count > Floor ? _stack[^1] : throw Damaged("a value is missing");

    private object? Pop()
    {
        var value = Peek();
        _stack.RemoveAt(_stack.Count - 1);
        return value;
    }

    private object?[] PopToMark()
    {
        if (_marks.Count == 0)
            throw Damaged("a mark is missing");
        var items = PopLast(_stack.Count - Floor);
        _marks.RemoveAt(_marks.Count - 1);
        return items;
    }

    private object?[] PopLast(int count)
    {
        var start = _stack.Count - count;
        if (start < Floor)
            throw Damaged("values are missing");
        var items = _stack.GetRange(start, count).ToArray();
        _stack.RemoveRange(start, count);
        return items;
    }

    private int Floor => _marks.Count == 0 ? 0 : _marks[^1];

    private object? Remembered(uint index) =>
        _memo.TryGetValue(index, out var value) ? value : throw Damaged($"memo {index} was never set");

    private void PushInteger(BigInteger value)
    {
        if (value >= long.MinValue && value <= long.MaxValue)
            Push((long)value);
        else
            Push(value);
    }

    private string Line()
    {
        var rest = data.Span[Position..];
        var length = rest[..Math.Min(rest.Length, MaxNameLength + 1)].IndexOf((byte)'\n');
        if (length < 0)
            throw Damaged("a name without an end");
        var line = Encoding.UTF8.GetString(Take(length));
        Take(1);
        return line;
    }

    private ReadOnlySpan<byte> Take(long count)
    {
        if (count < 0 || count > data.Length - Position)
            throw Damaged("it ends too early");
        var bytes = data.Span.Slice(Position, (int)count);
        Position += (int)count;
        return bytes;
    }

    private void CountSteps(int count)
    {
        _steps += count;
        if (_steps > MaxSteps)
            throw Damaged($"more than {MaxSteps} steps, which no table of weights needs");
    }

    private static string Printable(string text) =>
        string.Concat(text.Select(character => char.IsControl(character) ? '?' : character));
}
