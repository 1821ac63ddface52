using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using GenIsp.Detection;
using GenIsp.Distributed;
using GenIsp.Raw;
using TorchSharp;

namespace GenIsp.Cli;

internal static class DoctorCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new Command("doctor", "Says what this machine has and lacks: .NET, libtorch, LibRaw, processor, GPU.");
        command.SetAction(_ => Run(terminal));
        return command;
    }

    private static int Run(Terminal terminal)
    {
        var missing = false;
        void Line(string name, string value) => terminal.Out.WriteLine($"{name,-10} {value}");
        // A part that is broken must not hide the others, whatever it throws.
        void Part(string name, Func<string> probe)
        {
            try
            {
                Line(name, probe());
            }
            catch (Exception e)
            {
                missing = true;
                Line(name, $"MISSING: {(e is GenIspException ? e.Message : e.GetBaseException().Message)}");
            }
        }

        Line("GenIsp", typeof(SensorImage).Assembly.GetName().Version!.ToString(3));
        Line("system", $"{RuntimeInformation.OSDescription}, {RuntimeInformation.RuntimeIdentifier}");
        Line(".NET", Environment.Version.ToString());
        Line("processor", $"{Environment.ProcessorCount} cores, {Vectors()}");
        Line("memory", string.Create(
            CultureInfo.InvariantCulture, $"{GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (double)(1L << 30):0.0} GiB"));
        Part("LibRaw", () => LibRaw.Instance.Version.ToString());
        Part("libtorch", () =>
        {
            using var one = torch.ones(1);
            return $"{torch.__version__}, {torch.get_num_threads()} threads, works";
        });
        Part("GPU", () => torch.cuda.is_available() ? $"{torch.cuda.device_count()} CUDA devices" : "none that this build can use");
        Line("MPI", Mpi());
        if (missing)
            terminal.Say("genisp: something is missing; what depends on it will not work");
        return missing ? CommandLine.Failed : CommandLine.Done;
    }

    // Nothing else needs it.
    private static string Mpi()
    {
        try
        {
            return $"{new OpenMpi(OpenMpi.LibraryNames).Version}, for several processes";
        }
        catch (GenIspException e)
        {
            return $"several processes can't work together: {e.Message}";
        }
    }

    private static string Vectors()
    {
        (bool Has, string Name)[] sets =
        [
            (Avx512F.IsSupported, "AVX-512"), (Avx2.IsSupported, "AVX2"), (Fma.IsSupported, "FMA"),
            (DetectorTypes.ProcessorHasBFloat16, "bfloat16"),
            (System.Runtime.Intrinsics.Arm.AdvSimd.IsSupported, "NEON"),
        ];
        var names = sets.Where(set => set.Has).Select(set => set.Name).ToList();
        return names.Count > 0 ? string.Join(", ", names) : "no vector instructions known here";
    }
}
