using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace GenIsp.Tests;

public sealed class NativeRuntimeTests
{
    // The tests are a program too.
    [ModuleInitializer]
    internal static void Configure() => NativeRuntime.Configure();

    [Theory]
    [InlineData(null, "1000")]
    [InlineData("7", "7")]
    public async Task The_commands_OpenMP_gets_its_settings_unless_the_user_has_others(string? own, string expected)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux's OpenMP takes them.");
        var program = Path.Combine(AppContext.BaseDirectory, "GenIsp.Cli.dll");
        var start = new ProcessStartInfo("dotnet", [program, "doctor"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["GOMP_SPINCOUNT"] = own;
        start.Environment["OMP_DISPLAY_ENV"] = "verbose";

        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await output;

        error.ShouldContain($"GOMP_SPINCOUNT = '{expected}'");
    }
}
