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

        var (code, error) = await Run("develop", Photo, "-o", _folder["out"], "--isp", _folder["isp.safetensors"]);

        code.ShouldBe(0, error);
        File.Exists(Path.Combine(_folder["out"], "plain.png")).ShouldBeTrue();
    }

    [Fact]
    public async Task Detect_says_that_libtorch_is_missing()
    {
        var detector = Path.Combine(AppContext.BaseDirectory, "models", "street.onnx");

        var (code, error) = await Run("detect", Photo, "-o", _folder["out"], "--detector", detector, "--convention", "yolox");

        code.ShouldBe(1);
        error.ShouldContain("libtorch can't be loaded");
        File.Exists(Path.Combine(_folder["out"], "detections.json")).ShouldBeFalse();
    }

    private static string Photo => Path.Combine(AppContext.BaseDirectory, "Fixtures", "raw", "plain.dng");

    private async Task<(int Code, string Error)> Run(params string[] arguments)
    {
        // The program with its managed code and the library for pictures. Without its list of dependencies, what is missing is not missed.
        Directory.CreateDirectory(_folder["program"]);
        foreach (var file in Directory.GetFiles(AppContext.BaseDirectory))
        {
            var name = Path.GetFileName(file);
            if (name.EndsWith(".dll", StringComparison.Ordinal) || name.Contains("SkiaSharp") || name == "GenIsp.Cli.runtimeconfig.json")
                File.Copy(file, Path.Combine(_folder["program"], name));
        }
        Directory.GetFiles(_folder["program"], "lib*torch*").ShouldBeEmpty();
        using var process = Process.Start(new ProcessStartInfo(
            "dotnet", [Path.Combine(_folder["program"], "GenIsp.Cli.dll"), .. arguments])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            // Where a package lies in NuGet's cache, TorchSharp finds it there.
            Environment = { ["NUGET_PACKAGES"] = _folder["none"] },
        })!;
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        var error = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, error);
    }
}
