using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace GenIsp.Raw;

/// <summary>The system's LibRaw, found at run time: its C API and the layout of its data.</summary>
internal sealed unsafe class LibRaw
{
    // LIBRAW_OPTIONS_NO_DATAERR_CALLBACK, and in 0.20 NO_MEMERR_CALLBACK: nothing is printed on standard error.
    private const uint Silent = 3;

    private static readonly Lazy<LibRaw> Loaded = new(() => new LibRaw(LibraryNames));

    private readonly delegate* unmanaged<uint, byte*> _init;
    private readonly delegate* unmanaged<byte*, void> _close;
    private readonly delegate* unmanaged<byte*, byte*, int> _openFile;
    private readonly delegate* unmanaged<byte*, char*, int> _openWideFile;
    private readonly delegate* unmanaged<byte*, int> _unpack;
    private readonly delegate* unmanaged<byte*, delegate* unmanaged<void*, byte*, nint, void>, void*, void> _setDataErrorHandler;

    /// <summary>Loads the first of <paramref name="names"/> that is there.</summary>
    /// <exception cref="GenIspException">None is there, or its version is unknown.</exception>
    public LibRaw(IReadOnlyList<string> names)
    {
        nint library = 0;
        if (!names.Any(name => NativeLibrary.TryLoad(name, typeof(LibRaw).Assembly, null, out library)))
            throw new GenIspException($"LibRaw, which reads cameras' RAW files, is not installed. {InstallHint}");
        try
        {
            _init = (delegate* unmanaged<uint, byte*>)NativeLibrary.GetExport(library, "libraw_init");
            _close = (delegate* unmanaged<byte*, void>)NativeLibrary.GetExport(library, "libraw_close");
            _openFile = (delegate* unmanaged<byte*, byte*, int>)NativeLibrary.GetExport(library, "libraw_open_file");
            if (OperatingSystem.IsWindows())
                _openWideFile = (delegate* unmanaged<byte*, char*, int>)NativeLibrary.GetExport(library, "libraw_open_wfile");
            _unpack = (delegate* unmanaged<byte*, int>)NativeLibrary.GetExport(library, "libraw_unpack");
            _setDataErrorHandler = (delegate* unmanaged<byte*, delegate* unmanaged<void*, byte*, nint, void>, void*, void>)
                NativeLibrary.GetExport(library, "libraw_set_dataerror_handler");
            var number = ((delegate* unmanaged<int>)NativeLibrary.GetExport(library, "libraw_versionNumber"))();
            Version = new Version(number >> 16, (number >> 8) & 0xff, number & 0xff);
        }
        catch (EntryPointNotFoundException e)
        {
            throw new GenIspException($"The LibRaw on this machine is not usable: {e.Message} {InstallHint}", e);
        }
        Layout = Version.Major == 0 ? LibRawLayout.For(Version.Minor) ?? throw Unsupported() : throw Unsupported();
    }

    /// <summary>What the library is called on this platform, most wanted first: <c>_r</c> is the thread-safe build.</summary>
    public static IReadOnlyList<string> LibraryNames =>
        OperatingSystem.IsWindows() ? ["libraw.dll", "raw.dll"]
        : OperatingSystem.IsMacOS()
            ? ["libraw_r.dylib", "/opt/homebrew/lib/libraw_r.dylib", "/usr/local/lib/libraw_r.dylib", "libraw.dylib"]
            : ["libraw_r.so.20", "libraw_r.so.23", "libraw_r.so.24", "libraw_r.so.25", "libraw_r.so",
                "libraw.so.20", "libraw.so.23", "libraw.so.24", "libraw.so.25", "libraw.so"];

    /// <summary>How to get LibRaw here.</summary>
    public static string InstallHint =>
        OperatingSystem.IsWindows() ? "Put libraw.dll (64 bit, from https://www.libraw.org/download) beside the program."
        : OperatingSystem.IsMacOS() ? "Install it: brew install libraw"
        : "Install it: sudo apt-get install libraw20 (Debian 12), sudo apt-get install libraw23t64 (Ubuntu 24.04, Debian 13), "
            + "sudo dnf install LibRaw (Fedora, RHEL).";

    /// <summary>The library of this machine, loaded once.</summary>
    /// <exception cref="GenIspException">It is missing, or its version is unknown.</exception>
    public static LibRaw Instance => Loaded.Value;

    /// <summary>The version, such as 0.21.2.</summary>
    public Version Version { get; }

    /// <summary>Where this version keeps its data.</summary>
    public LibRawLayout Layout { get; }

    /// <summary>Opens a file and unpacks its pixels.</summary>
    /// <exception cref="GenIspException">LibRaw refuses the file, or finds it damaged.</exception>
    public Handle Open(string path)
    {
        var handle = new Handle(this, _init(Silent));
        try
        {
            handle.Load(path);
            return handle;
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    private GenIspException Unsupported() => new(
        $"LibRaw {Version} is installed, but GenIsp knows only {LibRawLayout.Supported}: the layout of another version's data is not "
        + "known.");

    // LIBRAW_* in libraw_const.h; positive codes are the system's errno.
    internal static string Words(int code) => code switch
    {
        -1 => "an unspecified error",
        -2 => "it is no RAW file, is cut short, or is of a kind that LibRaw does not know",
        -3 => "the image asked for is not in it",
        -4 => "calls were made out of order",
        -5 => "it has no thumbnail",
        -6 => "its thumbnail is of an unknown kind",
        -7 => "the input was closed",
        -8 => "its format is not implemented in LibRaw",
        -9 => "the thumbnail asked for is not in it",
        -100007 => "there is not enough memory",
        -100008 => "its data is damaged",
        -100009 => "it is cut short, or no RAW file at all",
        -100010 => "reading was cancelled",
        -100011 => "its crop is impossible",
        -100012 => "its header asks for more memory than LibRaw allows (2 GB)",
        -100013 => "it needs more memory blocks than LibRaw has",
        > 0 => Marshal.GetPInvokeErrorMessage(code),
        _ => $"an unknown error ({code})",
    };

    [UnmanagedCallersOnly]
    private static void NoteDataError(void* noted, byte* file, nint offset) => *(int*)noted = 1;

    /// <summary>An open file; its data is read by offset.</summary>
    public sealed class Handle : IDisposable
    {
        private readonly LibRaw _library;
        private byte* _data;

        internal Handle(LibRaw library, byte* data)
        {
            if (data is null)
                throw new GenIspException("LibRaw could not start: there is not enough memory.");
            _library = library;
            _data = data;
            if (*(byte**)(data + library.Layout.ParentClass) != data - 8)
            {
                Dispose();
                throw new GenIspException(
                    $"LibRaw {library.Version} on this machine has another layout than expected. "
                    + "Please report this, with where it comes from.");
            }
        }

        public void Dispose()
        {
            if (_data is not null)
                _library._close(_data);
            _data = null;
        }

        public T Read<T>(int offset)
            where T : unmanaged => Unsafe.ReadUnaligned<T>(_data + offset);

        public T[] Read<T>(int offset, int count)
            where T : unmanaged => new ReadOnlySpan<T>(_data + offset, count).ToArray();

        public string ReadText(int offset, int size)
        {
            var bytes = new ReadOnlySpan<byte>(_data + offset, size);
            var end = bytes.IndexOf((byte)0);
            return System.Text.Encoding.UTF8.GetString(end < 0 ? bytes : bytes[..end]).Trim();
        }

        internal void Load(string path)
        {
            var damaged = 0;
            _library._setDataErrorHandler(_data, &NoteDataError, &damaged);
            int code;
            if (OperatingSystem.IsWindows())
            {
                fixed (char* name = path)
                    code = _library._openWideFile(_data, name);
            }
            else
            {
                var name = (byte*)Marshal.StringToCoTaskMemUTF8(path);
                code = _library._openFile(_data, name);
                Marshal.FreeCoTaskMem((nint)name);
            }
            if (code == 0)
                code = _library._unpack(_data);
            _library._setDataErrorHandler(_data, null, null);
            if (code != 0)
                throw new GenIspException($"{path} can't be read as a RAW file: {Words(code)}.");
            // LibRaw goes on over damaged data and reports success.
            if (damaged != 0)
                throw new GenIspException($"{path} is damaged or cut short: its pixels can't be trusted.");
        }
    }
}
