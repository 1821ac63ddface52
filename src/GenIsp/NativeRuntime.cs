using System.Runtime.InteropServices;

namespace GenIsp;

/// <summary>What libtorch, OpenMP and glibc take from the process, and take only before they start.</summary>
public static partial class NativeRuntime
{
    // <malloc.h>
    private const int TrimThreshold = -1, MmapThreshold = -3;

    // c10's: INFO 0, WARNING 1, ERROR 2.
    private const int Errors = 2;

    /// <summary>
    /// Makes libtorch share the processor with other programs and keep freed memory, and silences its warnings. A program calls it first,
    /// before anything of TorchSharp; what the user's environment sets stays. On other systems than Linux it does nothing.
    /// </summary>
    /// <remarks>
    /// OpenMP's threads wait for each other by spinning; where other programs want the cores too, that makes it 15 times slower, and to
    /// sleep early costs next to nothing where they are free. glibc gives each freed tensor of more than 32 MB back to the system, which
    /// then fills the next one with zeros, page by page. libtorch warns at every small convolution on processors for which NNPACK was not
    /// made.
    /// </remarks>
    public static void Configure()
    {
        if (!OperatingSystem.IsLinux())
            return;
        // .NET's own variables are a copy that native code does not see.
        _ = SetEnvironment("GOMP_SPINCOUNT", "1000", overwrite: 0);
        Raise(TrimThreshold, "MALLOC_TRIM_THRESHOLD_");
        Raise(MmapThreshold, "MALLOC_MMAP_THRESHOLD_");
        Silence();
    }

    private static void Raise(int threshold, string variable)
    {
        if (Environment.GetEnvironmentVariable(variable) is not null)
            return;
        try
        {
            _ = SetMalloc(threshold, int.MaxValue);
        }
        catch (EntryPointNotFoundException)
        {
            // Another C library: it has other habits.
        }
    }

    // libtorch reads TORCH_CPP_LOG_LEVEL in Python's binding only.
    private static void Silence()
    {
        if (NativeLibrary.TryLoad("libc10", typeof(NativeRuntime).Assembly, null, out var library)
            && NativeLibrary.TryGetExport(library, "FLAGS_caffe2_log_level", out var level))
            Marshal.WriteInt32(level, Errors);
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int SetMalloc(int parameter, int value);
}
