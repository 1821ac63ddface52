using System.Diagnostics;
using GenIsp.Isp;

namespace GenIsp.Tests.Cli;

public sealed class WithoutLibtorchTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Develop_runs_GenISP_where_there_is_no_libtorch()
    {
        using (var model = new GenIspModel())
            IspFile.Save(_folder["isp.safetensors"], model);
        // The program with its managed code and the library for pictures. Without its list of dependencies, what is missing is not missed.
        Directory.CreateDirectory(_folder["program"]);
        foreach (var file in Directory.GetFiles(AppContext.BaseDirectory))
        {
            var name = Path.GetFileName(file);
            if (name.EndsWith(".dll", StringComparison.Ordinal) || name.Contains("SkiaSharp") || name == "GenIsp.Cli.runtimeconfig.json")
                File.Copy(file, Path.Combine(_folder["program"], name));
        }
        Directory.GetFiles(_folder["program"], "lib*torch*").ShouldBeEmpty();
        var raw = Path.Combine(AppContext.BaseDirectory, "Fixtures", "raw", "plain.dng");

        using var process = Process.Start(new ProcessStartInfo(
            "dotnet",
            [
                Path.Combine(_folder["program"], "GenIsp.Cli.dll"), "develop", raw, "-o", _folder["out"], "--isp", _folder["isp.safetensors"],
            ])
        {
            RedirectStandardError = true,
        })!;
        var error = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        process.ExitCode.ShouldBe(0, error);
        File.Exists(Path.Combine(_folder["out"], "plain.png")).ShouldBeTrue();
    }
}
