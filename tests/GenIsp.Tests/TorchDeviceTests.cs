using GenIsp.Tests.Cli;
using TorchSharp;

namespace GenIsp.Tests;

public sealed class TorchDeviceTests
{
    [Theory]
    [InlineData("cpu", true), InlineData("cuda", true), InlineData("cuda:0", true), InlineData("cuda:11", true)]
    [InlineData("", false), InlineData("gpu", false), InlineData("CUDA", false), InlineData("cuda:", false), InlineData("cuda:-1", false)]
    [InlineData("cuda:x", false), InlineData("cuda0", false), InlineData("cpu:0", false)]
    public void A_device_is_the_processor_or_a_card(string name, bool isDevice)
    {
        TorchDevice.IsName(name).ShouldBe(isDevice);
        if (!isDevice)
            Should.Throw<GenIspException>(() => TorchDevice.Of(name)).Message.ShouldContain($"\"{name}\"");
    }

    [Fact]
    public void The_processor_is_everywhere() => TorchDevice.Of("cpu").type.ShouldBe(DeviceType.CPU);

    [Theory]
    [InlineData("develop", "Fixtures/raw/plain.dng")]
    [InlineData("detect", "Fixtures/raw/plain.dng", "--detector", "yolox.onnx")]
    [InlineData("train")]
    public async Task A_card_that_is_not_there_is_refused_and_so_is_no_device(string command, params string[] options)
    {
        Assert.SkipWhen(torch.cuda.is_available(), "This machine has a card.");
        using var folder = new TemporaryFolder();
        var fixtures = Path.Combine(AppContext.BaseDirectory, "Fixtures");
        string[] words = [command, .. options.Select(word => word.Replace("Fixtures", fixtures)), "-o", folder["out"]];

        var absent = await CommandRun.Of([.. words, "--device", "cuda:1"]);
        var unknown = await CommandRun.Of([.. words, "--device", "gpu"]);

        absent.Code.ShouldBe(1);
        string.Join(' ', absent.Error.Split()).ShouldContain("The device cuda:1 can't be used");
        string.Join(' ', absent.Error.Split()).ShouldContain("-p:TorchBackend=cuda");
        unknown.Code.ShouldBe(2);
        unknown.Error.ShouldContain("--device is 'gpu', but must be cpu, cuda or cuda:N.");
        Directory.Exists(folder["out"]).ShouldBeFalse();
    }

    // Or all that is tested on it would be skipped, and nobody told.
    [Fact]
    public void Libtorch_for_Linux_has_the_second_device_of_these_tests() =>
        (OtherDevice.IsThere || !OperatingSystem.IsLinux()).ShouldBeTrue();
}
