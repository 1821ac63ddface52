using System.Net;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace GenIsp.Distributed;

/// <summary>
/// The processes that share a piece of work, all started by one <c>mpirun</c> or <c>srun</c>: MPI's world. A process that was started alone
/// is a world of one, where every operation gives back what it is given, and needs no MPI. All processes must call the same operations in
/// the same order, from one thread at a time.
/// </summary>
public sealed class Communicator : IDisposable
{
    // Tuples have fields; figures may be NaN.
    private static readonly JsonSerializerOptions Json = new()
    {
        IncludeFields = true,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    private OpenMpi? _mpi;

    private Communicator(OpenMpi? mpi, int rank, int size) => (_mpi, Rank, Size) = (mpi, rank, size);

    /// <summary>A world of one.</summary>
    public static Communicator Alone { get; } = new(null, 0, 1);

    /// <summary>This process's number, 0..<see cref="Size"/> − 1.</summary>
    public int Rank { get; }

    /// <summary>How many processes there are, at least 1.</summary>
    public int Size { get; }

    /// <summary>Whether this is the process that writes and speaks.</summary>
    public bool IsFirst => Rank == 0;

    /// <summary>
    /// Joins the processes that were started with this one, or none where it was started alone. Once a process; dispose of it when all is
    /// done, which waits for the others.
    /// </summary>
    /// <exception cref="GenIspException">There are others, but Open MPI is missing, of another kind, or does not find them.</exception>
    public static Communicator Join()
    {
        if (Launch.Current is not { Size: > 1 } launch)
            return Alone;
        var mpi = new OpenMpi(OpenMpi.LibraryNames);
        mpi.Init();
        var (rank, size) = mpi.World();
        if (size != launch.Size)
        {
            throw new GenIspException(
                $"{launch.Launcher} started {launch.Size} processes, but {mpi.Version} finds {size}: they would all do the same work. "
                + "Start them by the mpirun of this Open MPI, or by srun --mpi=pmix.");
        }
        return new Communicator(mpi, rank, size);
    }

    /// <summary>Ends all processes at once, this one too: where one can't go on, the others would wait for it forever.</summary>
    /// <param name="code">The exit code.</param>
    public void Abort(int code) => _mpi?.Abort(code);

    /// <summary>Waits for the others, and leaves them.</summary>
    public void Dispose()
    {
        _mpi?.Leave();
        _mpi = null;
    }

    /// <summary>What of a list is this process's to do: every <see cref="Size"/>-th.</summary>
    internal IEnumerable<T> Share<T>(IEnumerable<T> all) => all.Where((_, place) => place % Size == Rank);

    /// <summary>
    /// The inverse of <see cref="Share"/>: at the first process what all made of theirs, in the list's order; elsewhere empty.
    /// </summary>
    internal IReadOnlyList<T> Merge<T>(IReadOnlyList<T> mine)
    {
        if (Size == 1)
            return mine;
        var parts = Gather(mine);
        return [.. Enumerable.Range(0, parts.Sum(part => part.Count)).Select(place => parts[place % Size][place / Size])];
    }

    /// <summary>At the first process the values of all, by their numbers; elsewhere empty.</summary>
    internal IReadOnlyList<T> Gather<T>(T value) => _mpi is null
        ? [value]
        : [.. _mpi.Gather(JsonSerializer.SerializeToUtf8Bytes(value, Json), Rank, Size)
            .Select(bytes => JsonSerializer.Deserialize<T>(bytes, Json)!)];

    /// <summary>The first process's value.</summary>
    internal T FirstOf<T>(T value)
    {
        if (_mpi is null)
            return value;
        var bytes = IsFirst ? JsonSerializer.SerializeToUtf8Bytes(value, Json) : [];
        var length = bytes.Length;
        _mpi.Broadcast(MemoryMarshal.AsBytes(new Span<int>(ref length)));
        Array.Resize(ref bytes, length);
        _mpi.Broadcast(bytes);
        return JsonSerializer.Deserialize<T>(bytes, Json)!;
    }

    /// <summary>Replaces the values by the first process's.</summary>
    internal void Broadcast(Span<float> values) => _mpi?.Broadcast(MemoryMarshal.AsBytes(values));

    /// <summary>Replaces each value by the sum over all processes, which is the same everywhere.</summary>
    internal void Sum(Span<float> values) => _mpi?.Sum(values);

    /// <summary>Whether it is so anywhere.</summary>
    internal bool Any(bool isSo)
    {
        var count = isSo ? 1f : 0;
        Sum(new Span<float>(ref count));
        return count > 0;
    }

    /// <summary>
    /// How many threads each process may use, so that those that may run on the same cores share them. mpirun and srun may have bound each
    /// to cores of its own.
    /// </summary>
    internal int ThreadsEach()
    {
        const string Status = "/proc/self/status";
        var lines = File.Exists(Status) ? File.ReadLines(Status) : [];
        var cores = lines.FirstOrDefault(line => line.StartsWith("Cpus_allowed:", StringComparison.Ordinal));
        var here = $"{Dns.GetHostName()} {cores}";
        var all = FirstOf(Gather(here));
        return Math.Max(1, Environment.ProcessorCount / all.Count(there => there == here));
    }
}
