using GenIsp.Cli;
using GenIsp.Cli.Demo;
using GenIsp.Data;
using GenIsp.Tests.Training;
using GenIsp.Training;
using Spectre.Console;
using Spectre.Console.Testing;

namespace GenIsp.Tests.Cli.Demo;

public sealed class DemoRunTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static DemoOptions Tiny => new()
    {
        TrainingScenes = 2,
        TestScenes = 2,
        Training = new TrainingOptions { Network = TinyPhotos.Quick, Epochs = 1, BatchSize = 1, ImitationSteps = 1 },
    };

    [Fact]
    public void From_nothing_to_a_table_of_ISPs_on_a_seen_and_an_unseen_camera()
    {
        var (code, table, progress) = Run(Tiny);

        code.ShouldBe(0, progress);
        string[] stages = ["1/4  drawing 2 streets", "2/4  turning", "3/4  training", "4/4  measuring"];
        stages.ShouldAllBe(stage => progress.Contains(stage));
        table.ShouldContain("sony-rx100m7");
        table.ShouldContain("nikon-d750, unseen");
        foreach (var isp in (string[])["linear", "classical", "genisp", "daylight photo"])
            table.ShouldMatch($@"(?m)^{isp} +\d+\.\d +\d+\.\d +\d+\.\d +\d+\.\d\r?$");
        table.ShouldContain("These streets are drawn and their nights simulated");
        progress.ShouldContain("step 2: until here a picture was imitated");
        progress.ShouldContain("genisp detect photo.arw");
        // Everything in the folder is explained.
        var words = File.ReadAllText(_folder["README.txt"]);
        Directory.GetFileSystemEntries(_folder.Root).Select(path => Path.GetFileName(path).Split("night-")[^1])
            .Except(["sony-rx100m7", "nikon-d750", "README.txt"]).ShouldAllBe(name => words.Contains(name));
        Directory.GetFiles(_folder["night-nikon-d750/images"], "*.dng").Length.ShouldBe(2);
        File.Exists(_folder["genisp/last.safetensors"]).ShouldBeTrue();
        CocoDataset.Read(_folder["day-test/annotations.json"]).Images.Count.ShouldBe(2);
    }

    [Fact]
    public void A_demo_that_was_broken_off_goes_on_and_ends_alike()
    {
        using var cancellation = new CancellationTokenSource();
        using var words = new Watched(line =>
        {
            if (line.Contains("2 images, 1 epochs"))
                cancellation.Cancel();
        });
        var error = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(words) });
        Should.Throw<OperationCanceledException>(() =>
            new DemoRun(new Terminal(TextWriter.Null, error), _folder.Root, Tiny).Execute(cancellation.Token));
        words.ToString().ShouldContain("the same command goes on");
        words.ToString().ShouldNotContain("4/4");

        var (code, table, progress) = Run(Tiny);
        code.ShouldBe(0, progress);
        progress.ShouldContain("0 of 2 RAW files made, 2 kept");
        using var whole = new DemoRunTests();
        table.ShouldBe(whole.Run(Tiny).Table);
    }

    [Fact]
    public void Another_seed_in_the_same_folder_is_refused()
    {
        using var quiet = new TestConsole();
        new StreetSet(_folder["day-train"], "train", 2, Seed: 1).Write(
            new Terminal(TextWriter.Null, quiet), TestContext.Current.CancellationToken);

        var error = Should.Throw<GenIspException>(() => Run(Tiny with { Seed = 2 }));
        error.Message.ShouldBe($"{_folder["day-train"]} holds other streets. Choose another folder with -o.");
    }

    private (int Code, string Table, string Progress) Run(DemoOptions options)
    {
        using var error = new TestConsole();
        using var output = new StringWriter();
        var code = new DemoRun(new Terminal(output, error), _folder.Root, options).Execute(TestContext.Current.CancellationToken);
        return (code, output.ToString(), error.Output);
    }

    private sealed class Watched(Action<string> watch) : StringWriter
    {
        public override void WriteLine(string? value)
        {
            base.WriteLine(value);
            watch(value ?? "");
        }
    }
}
