using System.Diagnostics;

namespace GenIsp.Tests.Distributed;

/// <summary>A program in several processes, as mpirun starts them. Tests are skipped where there is none.</summary>
internal sealed class Mpirun : IDisposable
{
    private const string Program = "/usr/bin/mpirun";

    private readonly Task<string> _out;
    private readonly Task<string> _error;

    private Mpirun(Process process) =>
        (Process, _out, _error) = (process, process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());

    public Process Process { get; }

    /// <summary>Runs <c>genisp</c>, which must succeed.</summary>
    /// <returns>What it wrote to standard output.</returns>
    public static async Task<string> Genisp(int processes, params string[] args)
    {
        using var run = Start(processes, ["GenIsp.Cli.dll", .. args]);
        var (code, output, error) = await run.End();
        code.ShouldBe(0, error + output);
        return output;
    }

    /// <param name="processes">How many.</param>
    /// <param name="command">A program of the tests' folder and its arguments.</param>
    public static Mpirun Start(int processes, IReadOnlyList<string> command)
    {
        if (!File.Exists(Program))
            Assert.Skip($"No Open MPI to start several processes with: {Program} is absent (apt-get install openmpi-bin).");
        var start = new ProcessStartInfo(
            Program,
            [
                // CI runs as root, and on few cores. Where processes wait for each other in vain, the test shall end.
                "--allow-run-as-root", "--oversubscribe", "--timeout", "240", "-n", $"{processes}", "dotnet",
                Path.Combine(AppContext.BaseDirectory, command[0]), .. command.Skip(1),
            ])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // Containers forbid processes to read each other's memory, and Open MPI would complain before it does without.
        start.Environment["OMPI_MCA_btl_vader_single_copy_mechanism"] = "none";
        // One process is compared with several, and another number of threads adds in another order.
        start.Environment["OMP_NUM_THREADS"] = "1";
        return new Mpirun(Process.Start(start)!);
    }

    public async Task<(int Code, string Out, string Error)> End()
    {
        await Process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (Process.ExitCode, await _out, await _error);
    }

    public void Dispose()
    {
        if (!Process.HasExited)
            Process.Kill(entireProcessTree: true);
        Process.Dispose();
    }
}
