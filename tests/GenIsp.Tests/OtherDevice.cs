using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace GenIsp.Tests;

/// <summary>
/// A second device for machines without a card: libtorch's lazy one. It computes on the processor, but keeps its tensors apart, refuses any
/// of the processor's among them, and goes back in a thread of its own: all as a card does.
/// </summary>
internal static class OtherDevice
{
    // c10::DeviceType::Lazy, which TorchSharp does not name.
    private const int Lazy = 17;

    /// <summary>Whether this libtorch has it.</summary>
    public static bool IsThere { get; private set; }

    public static Device Instance { get; } = new((DeviceType)Lazy, 0);

    // Before any gradient goes back: libtorch then counts its devices once and for all.
    [ModuleInitializer]
    internal static unsafe void Start()
    {
        // Only its name in C++ is exported: torch::lazy::InitTorchScriptBackend().
        if (NativeLibrary.TryLoad("libtorch_cpu", typeof(torch).Assembly, null, out var library)
            && NativeLibrary.TryGetExport(library, "_ZN5torch4lazy22InitTorchScriptBackendEv", out var start))
        {
            ((delegate* unmanaged<void>)start)();
            IsThere = true;
        }
    }
}
