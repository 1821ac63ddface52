using System.Diagnostics;
using System.Globalization;

namespace GenIsp.Benchmarks;

/// <summary>A Python library in a child process that waits while others run.</summary>
internal sealed class PythonPeer : IDisposable
{
    // Debian's python3-torch is for the system's Python.
    private const string Python = "/usr/bin/python3";

    private readonly Process _process;
    private string _error = "";

    private PythonPeer(Process process)
    {
        _process = process;
        process.ErrorDataReceived += (_, line) => _error = line.Data ?? _error;
        process.BeginErrorReadLine();
    }

    /// <summary>A script that needs PyTorch; null, and a line that says why, where there is none.</summary>
    /// <param name="script">A file beside this program.</param>
    /// <param name="asItComes">Without the settings of memory and threads that <see cref="NativeRuntime"/> gives this process.</param>
    /// <param name="argument">The script's, if it takes one.</param>
    public static PythonPeer? StartTorch(string script, bool asItComes = false, string? argument = null) =>
        Start(script, "8 8", "PyTorch", "apt-get install python3-torch python3-torchvision python3-onnx", asItComes, argument);

    /// <summary>Null, and a line that says why, where the script does not answer a first line.</summary>
    /// <param name="script">A file beside this program.</param>
    /// <param name="line">What it must answer.</param>
    /// <param name="library">What the script needs, and is called.</param>
    /// <param name="install">How to get it.</param>
    /// <param name="asItComes">Whether it goes without what else it is given here: memory that is kept, and threads that spin little.</param>
    /// <param name="argument">The script's, if it takes one.</param>
    public static PythonPeer? Start(
        string script, string line, string library, string install, bool asItComes = false, string? argument = null)
    {
        if (!File.Exists(Python))
        {
            Console.WriteLine($"       no {library}: there is no {Python}");
            return null;
        }
        var start = new ProcessStartInfo(Python, [Path.Combine(AppContext.BaseDirectory, script)])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (argument is not null)
            start.ArgumentList.Add(argument);
        // What NativeRuntime gives this process: without, fresh pages make the peer up to 20 times slower.
        if (!asItComes)
        {
            start.Environment["GOMP_SPINCOUNT"] = "1000";
            start.Environment["MALLOC_TRIM_THRESHOLD_"] = "4294967296";
            start.Environment["MALLOC_MMAP_THRESHOLD_"] = "4294967296";
        }
        var peer = new PythonPeer(Process.Start(start)!);
        if (peer.TryAsk(line, out _))
            return peer;
        peer.Dispose();
        Console.WriteLine($"       no {library} for {script} in {Python}: {peer._error} ({install})");
        return null;
    }

    /// <summary>The answer to a line.</summary>
    public string Ask(string line) => TryAsk(line, out var answer) ? answer : throw new InvalidOperationException($"Python has ended: {_error}");

    /// <summary>The answer as a number.</summary>
    public double Measure(string line) => double.Parse(Ask(line), CultureInfo.InvariantCulture);

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }

    private bool TryAsk(string line, out string answer)
    {
        try
        {
            _process.StandardInput.WriteLine(line);
            _process.StandardInput.Flush();
            answer = _process.StandardOutput.ReadLine() ?? "";
        }
        catch (IOException)
        {
            answer = "";
        }
        return answer.Length > 0;
    }
}
