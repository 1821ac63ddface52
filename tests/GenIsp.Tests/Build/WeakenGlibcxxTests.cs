using GenIsp.Build;
using TorchSharp;

namespace GenIsp.Tests.Build;

public sealed class WeakenGlibcxxTests
{
    private const string Missing = "GLIBCXX_3.4.32";

    [Fact]
    public void The_built_loader_asks_weakly_for_what_older_Linux_lacks_and_loads()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Skip("Only Linux has this loader.");
        var elf = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "libLibTorchSharp.so"));

        ElfVersionNeeds.IsWeak(elf, Missing).ShouldBeTrue();
        ElfVersionNeeds.IsWeak(elf, "GLIBCXX_3.4.21").ShouldBeFalse("only the one version may become optional");
        torch.ones(2).sum().item<float>().ShouldBe(2f);
    }

    [Fact]
    public void Weakening_names_how_many_needs_it_changed_and_changes_nothing_else()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Skip("Only Linux has this loader.");
        var before = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "libLibTorchSharp.so"));
        var after = before.ToArray();

        ElfVersionNeeds.Weaken(after, "GLIBCXX_3.4.21").ShouldBe(1);
        ElfVersionNeeds.IsWeak(after, "GLIBCXX_3.4.21").ShouldBeTrue();
        before.Zip(after).Count(pair => pair.First != pair.Second).ShouldBe(1);
        ElfVersionNeeds.Weaken(after, "GLIBCXX_9.9.9").ShouldBe(0);
    }

    [Fact]
    public void What_is_no_ELF_file_is_refused() =>
        Should.Throw<InvalidDataException>(() => ElfVersionNeeds.Weaken(new byte[100], Missing));
}
