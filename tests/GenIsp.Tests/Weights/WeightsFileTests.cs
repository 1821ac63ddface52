using GenIsp.Weights;
using static GenIsp.Tests.Weights.WeightsFixture;

namespace GenIsp.Tests.Weights;

public sealed class WeightsFileTests
{
    [Theory]
    [InlineData("plain.zip.pth", WeightsFormat.PyTorch)]
    [InlineData("plain.legacy.pth", WeightsFormat.PyTorch)]
    [InlineData("types.safetensors", WeightsFormat.Safetensors)]
    public void The_content_tells_the_format_whatever_the_name(string name, WeightsFormat format)
    {
        var content = System.IO.File.ReadAllBytes(WeightsFixture.File(name));

        With(content, WeightsFile.FormatOf).ShouldBe(format);
        With(content, WeightsFile.Read).Keys.ShouldNotBeEmpty();
    }

    [Fact]
    public void A_safetensors_header_whose_length_looks_like_a_pickle_is_no_pickle()
    {
        const int Length = 0x0280;
        byte[] file = [.. BitConverter.GetBytes((long)Length), .. "{}"u8, .. Enumerable.Repeat((byte)' ', Length - 2)];

        With(file, WeightsFile.FormatOf).ShouldBe(WeightsFormat.Safetensors);
    }

    [Fact]
    public void A_safetensors_header_whose_length_lies_is_told_so()
    {
        byte[] file = [.. BitConverter.GetBytes(1L << 62), .. "{\"w\": {}}"u8];

        ErrorOf(file, WeightsFile.Read).ShouldContain("is no safetensors file, or is damaged");
    }

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("\n<!DOCTYPE html><html>", "is a web page")]
    [InlineData("version https://git-lfs.github.com/spec/v1\noid sha256:0", "Git LFS pointer")]
    [InlineData("{\"a\": 1}", "no file of weights")]
    [InlineData("x", "no file of weights")]
    public void Anything_else_is_named(string content, string what)
    {
        var error = ErrorOf(System.Text.Encoding.UTF8.GetBytes(content), WeightsFile.Read);

        error.ShouldContain(what);
    }

    [Theory]
    [InlineData("weights/yolox_nano.onnx")]
    [InlineData("weights/nanodet_plus_m_416.onnx")]
    public void An_ONNX_file_is_told_what_it_is_good_for(string name)
    {
        var path = SharedData.Path(name);

        Should.Throw<GenIspException>(() => WeightsFile.Read(path)).Message.ShouldContain("can be a detector");
    }

    [Fact]
    public void What_is_absent_or_a_folder_is_named() => InFolder(folder =>
    {
        var absent = Path.Combine(folder, "none.pth");

        Should.Throw<GenIspException>(() => WeightsFile.Read(absent)).Message.ShouldBe($"{absent} does not exist.");
        Should.Throw<GenIspException>(() => WeightsFile.Read(folder)).Message.ShouldContain("is a folder");
    });
}
