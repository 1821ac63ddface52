using System.Runtime.InteropServices;
using System.Text;

namespace GenIsp.Distributed;

/// <summary>
/// The system's Open MPI, found at run time. Its handles (<c>MPI_COMM_WORLD</c>, <c>MPI_FLOAT</c>, …) are addresses of exported symbols;
/// those of other MPIs are not, so no other can be used. Errors of its functions end all processes, as MPI's default is.
/// </summary>
internal sealed unsafe class OpenMpi
{
    // MPI_MAX_LIBRARY_VERSION_STRING of MPICH, the longest there is.
    private const int LongestVersion = 8192;

    // MPI_THREAD_SERIALIZED: one thread at a time, whichever.
    private const int Serialized = 2;

    private readonly delegate* unmanaged<void*, void*, int, int*, int> _init;
    private readonly delegate* unmanaged<int> _finalize;
    private readonly delegate* unmanaged<nint, int, int> _abort;
    private readonly delegate* unmanaged<nint, int*, int> _rank;
    private readonly delegate* unmanaged<nint, int*, int> _size;
    private readonly delegate* unmanaged<void*, void*, int, nint, nint, nint, int> _allReduce;
    private readonly delegate* unmanaged<void*, int, nint, int, nint, int> _broadcast;
    private readonly delegate* unmanaged<void*, int, nint, void*, int, nint, int, nint, int> _gather;
    private readonly delegate* unmanaged<void*, int, nint, void*, int*, int*, nint, int, nint, int> _gatherVarying;
    private readonly nint _world;
    private readonly nint _byte;
    private readonly nint _int;
    private readonly nint _float;
    private readonly nint _sum;

    /// <summary>Loads the first of <paramref name="names"/> that is there. Nothing is started yet.</summary>
    /// <exception cref="GenIspException">None is there, or it is not Open MPI.</exception>
    public OpenMpi(IReadOnlyList<string> names)
    {
        nint library = 0;
        if (names.FirstOrDefault(name => NativeLibrary.TryLoad(name, typeof(OpenMpi).Assembly, null, out library)) is not { } found)
            throw new GenIspException($"Open MPI, by which several processes work together, is not installed. {InstallHint}");
        Version = ReadVersion(library);
        if (!NativeLibrary.TryGetExport(library, "ompi_mpi_comm_world", out _world))
        {
            throw new GenIspException(
                $"The MPI on this machine ({found}) is {Version ?? "of an unknown kind"}, but several processes work together by Open MPI "
                + $"only. {InstallHint}");
        }
        nint Export(string name) => NativeLibrary.GetExport(library, name);
        try
        {
            _init = (delegate* unmanaged<void*, void*, int, int*, int>)Export("MPI_Init_thread");
            _finalize = (delegate* unmanaged<int>)Export("MPI_Finalize");
            _abort = (delegate* unmanaged<nint, int, int>)Export("MPI_Abort");
            _rank = (delegate* unmanaged<nint, int*, int>)Export("MPI_Comm_rank");
            _size = (delegate* unmanaged<nint, int*, int>)Export("MPI_Comm_size");
            _allReduce = (delegate* unmanaged<void*, void*, int, nint, nint, nint, int>)Export("MPI_Allreduce");
            _broadcast = (delegate* unmanaged<void*, int, nint, int, nint, int>)Export("MPI_Bcast");
            _gather = (delegate* unmanaged<void*, int, nint, void*, int, nint, int, nint, int>)Export("MPI_Gather");
            _gatherVarying = (delegate* unmanaged<void*, int, nint, void*, int*, int*, nint, int, nint, int>)Export("MPI_Gatherv");
            (_byte, _int, _float) = (Export("ompi_mpi_byte"), Export("ompi_mpi_int"), Export("ompi_mpi_float"));
            _sum = Export("ompi_mpi_op_sum");
        }
        catch (EntryPointNotFoundException error)
        {
            throw new GenIspException($"The Open MPI on this machine ({Version}) is not usable: {error.Message} {InstallHint}", error);
        }
    }

    /// <summary>
    /// What the library is called on this platform, most wanted first: 40 is Open MPI 4 and 5, 12 MPICH's, so that it is named.
    /// </summary>
    public static IReadOnlyList<string> LibraryNames => OperatingSystem.IsMacOS()
        ? ["libmpi.40.dylib", "/opt/homebrew/lib/libmpi.40.dylib", "/usr/local/lib/libmpi.40.dylib", "libmpi.dylib"]
        : ["libmpi.so.40", "libmpi.so", "libmpi.so.12", "libmpich.so.12"];

    /// <summary>How to get Open MPI here.</summary>
    public static string InstallHint =>
        OperatingSystem.IsMacOS() ? "Install it: brew install open-mpi"
        : "Install it: sudo apt-get install openmpi-bin (Debian, Ubuntu), sudo dnf install openmpi (Fedora, RHEL); on a cluster: "
            + "module load openmpi.";

    /// <summary>Such as <c>Open MPI v4.1.4</c>; null where the library does not say.</summary>
    public string? Version { get; }

    /// <summary>Joins the others. Once a process.</summary>
    public void Init()
    {
        int provided;
        _init(null, null, Serialized, &provided);
    }

    /// <summary>This process's number, from 0, and how many there are.</summary>
    public (int Rank, int Size) World()
    {
        int rank, size;
        _rank(_world, &rank);
        _size(_world, &size);
        return (rank, size);
    }

    /// <summary>Waits for the others, and leaves them.</summary>
    public void Leave() => _finalize();

    /// <summary>Ends all processes, this one too.</summary>
    public void Abort(int code) => _abort(_world, code);

    /// <summary>Replaces each value by the sum of all processes'.</summary>
    public void Sum(Span<float> values)
    {
        // MPI_IN_PLACE: what is sent lies where the result goes.
        var inPlace = (void*)1;
        fixed (float* data = values)
            _allReduce(inPlace, data, values.Length, _float, _sum, _world);
    }

    /// <summary>Replaces the bytes by the first process's.</summary>
    public void Broadcast(Span<byte> bytes)
    {
        fixed (byte* data = bytes)
            _broadcast(data, bytes.Length, _byte, 0, _world);
    }

    /// <summary>The bytes of all processes in the order of their numbers, at the first; nothing elsewhere.</summary>
    /// <exception cref="OverflowException">They are 2 GB together.</exception>
    public byte[][] Gather(ReadOnlySpan<byte> bytes, int rank, int size)
    {
        var (length, isFirst) = (bytes.Length, rank == 0);
        var lengths = new int[isFirst ? size : 0];
        var starts = new int[lengths.Length];
        fixed (int* counts = lengths, places = starts)
        {
            _gather(&length, 1, _int, counts, 1, _int, 0, _world);
            for (var i = 1; i < starts.Length; i++)
                starts[i] = checked(starts[i - 1] + lengths[i - 1]);
            var all = new byte[isFirst ? checked(starts[^1] + lengths[^1]) : 0];
            fixed (byte* mine = bytes, target = all)
                _gatherVarying(mine, length, _byte, target, counts, places, _byte, 0, _world);
            return [.. lengths.Zip(starts, (count, start) => all[start..(start + count)])];
        }
    }

    private static string? ReadVersion(nint library)
    {
        if (!NativeLibrary.TryGetExport(library, "MPI_Get_library_version", out var function))
            return null;
        var text = stackalloc byte[LongestVersion];
        int length;
        ((delegate* unmanaged<byte*, int*, int>)function)(text, &length);
        // "Open MPI v4.1.4, package: …", or MPICH's several lines.
        return Encoding.UTF8.GetString(text, Math.Clamp(length, 0, LongestVersion)).Split(',', '\n', '\0')[0].Replace('\t', ' ').Trim();
    }
}
