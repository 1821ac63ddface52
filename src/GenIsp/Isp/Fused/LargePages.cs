using System.Runtime.InteropServices;

namespace GenIsp.Isp.Fused;

/// <summary>
/// Asks Linux for pages of 2 MB: to provide the 4 KB pages of a picture one by one takes as long as a third of developing it.
/// </summary>
internal static unsafe partial class LargePages
{
    private const int Page = 2 << 20;
    private const int HugePage = 14; // MADV_HUGEPAGE

    /// <summary>For memory that was not written to yet. Advice only: without it all works too.</summary>
    public static void Advise(void* memory, nint bytes)
    {
        var start = ((nint)memory + Page - 1) / Page * Page;
        var end = ((nint)memory + bytes) / Page * Page;
        if (OperatingSystem.IsLinux() && end > start)
            _ = AdviseMemory(start, end - start, HugePage);
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int AdviseMemory(nint address, nint length, int advice);
}
