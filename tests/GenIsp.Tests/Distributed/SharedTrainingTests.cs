using System.Diagnostics;
using System.Text.Json.Nodes;
using GenIsp.Tests.Training;
using GenIsp.Training;
using GenIsp.Weights;

namespace GenIsp.Tests.Distributed;

public sealed class SharedTrainingTests : IDisposable
{
    // Their gradient is rounding noise, which Adam scales to full steps: InstanceNorm takes away what they add.
    private static readonly string[] WithoutEffect = ["shallow.conv1.bias", "shallow.conv2.bias"];

    private readonly TinyPhotos _photos = TinyPhotos.Create();

    public void Dispose() => _photos.Dispose();

    [Fact]
    public async Task Two_processes_learn_what_one_learns()
    {
        // The last batch of an epoch has one image for two processes.
        Write(_photos.Options);

        await Mpirun.Genisp(1, "train", "--options", _photos["options.json"], "-o", _photos["alone"]);
        await Mpirun.Genisp(2, "train", "--options", _photos["options.json"], "-o", _photos["shared"]);

        ShouldBeTheSame(_photos["shared"], _photos["alone"]);
        Directory.GetFiles(_photos["shared"]).Select(Path.GetFileName).Where(name => name!.StartsWith("events.", StringComparison.Ordinal))
            .ShouldHaveSingleItem("the first process alone writes");
    }

    [Fact]
    public async Task When_a_process_dies_no_step_is_lost_and_another_number_goes_on()
    {
        var options = _photos.Options with { Epochs = 20, ValidationInterval = 20, LearningRate = 1e-4 };
        Write(options);
        int code;
        string error;
        using (var run = Mpirun.Start(2, ["GenIsp.Cli.dll", "train", "--options", _photos["options.json"], "-o", _photos["run"]]))
        {
            while (!File.Exists(_photos["run/state.safetensors"]) && !run.Process.HasExited)
                await Task.Delay(20, TestContext.Current.CancellationToken);
            ChildrenOf(run.Process.Id).Last().Kill();
            (code, _, error) = await run.End();
        }

        code.ShouldNotBe(0);
        error.ShouldContain("exited on signal 9 (Killed)");
        error.ShouldContain($"The steps made are saved: go on by genisp train --resume -o {_photos["run"]}");
        var made = Log(_photos["run"]).Count(line => !line.ContainsKey("mean_loss"));
        SafetensorsFile.Read(_photos["run/state.safetensors"]).Metadata["step"].ShouldBe($"{made}");
        made.ShouldBeLessThan(40);

        await Mpirun.Genisp(1, "train", "--resume", "-o", _photos["run"]);
        await Mpirun.Genisp(1, "train", "--options", _photos["options.json"], "-o", _photos["alone"]);
        ShouldBeTheSame(_photos["run"], _photos["alone"]);
    }

    [Fact]
    public async Task What_one_process_alone_finds_wrong_ends_all()
    {
        File.WriteAllText(_photos["train/b5.png"], "no picture");
        Write(_photos.Options);
        using var run = Mpirun.Start(2, ["GenIsp.Cli.dll", "train", "--options", _photos["options.json"], "-o", _photos["run"]]);

        var (code, _, error) = await run.End();

        code.ShouldBe(1);
        error.ShouldContain($"genisp: {_photos["train/b5.png"]} can't be read as a picture");
    }

    [Theory]
    [InlineData(2, "genisp: train needs --detector, --images, --annotations")]
    [InlineData(1, "none.onnx does not exist", "--detector", "none.onnx", "--images", ".", "--annotations", "none.json")]
    public async Task What_all_find_wrong_is_said_once(int expected, string message, params string[] options)
    {
        using var run = Mpirun.Start(3, ["GenIsp.Cli.dll", "train", "-o", _photos["run"], .. options]);

        var (code, _, error) = await run.End();

        code.ShouldBe(expected, error);
        error.Split(message).Length.ShouldBe(2, error);
    }

    [Fact]
    public async Task Fewer_images_a_step_than_processes_are_warned_of()
    {
        Write(_photos.Options with { Epochs = 1, ValidationImages = null, ValidationAnnotations = null });
        using var run = Mpirun.Start(3, ["GenIsp.Cli.dll", "train", "--options", _photos["options.json"], "-o", _photos["run"]]);

        var (code, _, error) = await run.End();

        code.ShouldBe(0, error);
        error.ShouldContain("genisp: 3 processes, this one of ");
        error.ShouldContain("genisp: a step has 2 images for 3 processes, so 1 of them have nothing to do");
    }

    private static void ShouldBeTheSame(string run, string reference)
    {
        const double Tolerance = 1e-4;
        var (lines, expected) = (Log(run), Log(reference));
        lines.Select(line => line["step"]!.GetValue<long>()).ShouldBe(expected.Select(line => line["step"]!.GetValue<long>()));
        foreach (var (line, other) in lines.Zip(expected))
        {
            foreach (var key in (string[])["loss", "gradient_norm", "mean_loss"])
            {
                if (other[key]?.GetValue<double>() is { } value)
                    line[key]!.GetValue<double>().ShouldBe(value, Tolerance * value, key);
            }
        }
        lines[^1]["validation"]!["AP"]!.GetValue<double>().ShouldBe(expected[^1]["validation"]!["AP"]!.GetValue<double>(), Tolerance);
        var (weights, others) = (Weights(run), Weights(reference));
        foreach (var (name, values) in weights.Where(pair => !WithoutEffect.Contains(pair.Key)))
        {
            var other = others[name].ToSingles();
            Norm(values.ToSingles().Zip(other, (a, b) => a - b)).ShouldBeLessThan(Tolerance * Norm(other), name);
        }
    }

    private void Write(TrainingOptions options) => TrainingOptionsFile.Write(_photos["options.json"], options);

    private static StateDict Weights(string run) => SafetensorsFile.Read(Path.Combine(run, "last.safetensors"));

    private static double Norm(IEnumerable<float> values) => Math.Sqrt(values.Sum(value => (double)value * value));

    private static List<JsonObject> Log(string run) =>
        [.. File.ReadLines(Path.Combine(run, "log.jsonl")).Select(line => JsonNode.Parse(line)!.AsObject())];

    private static IEnumerable<Process> ChildrenOf(int process) =>
        File.ReadAllText($"/proc/{process}/task/{process}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(id => Process.GetProcessById(int.Parse(id)));
}
