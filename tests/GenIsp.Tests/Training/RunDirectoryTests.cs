using GenIsp.Training;
using GenIsp.Weights;

namespace GenIsp.Tests.Training;

public sealed class RunDirectoryTests : IDisposable
{
    private static readonly TrainingOptions Options = new() { Detector = "d.onnx", Epochs = 3 };

    private readonly TemporaryFolder _folder = new();
    private readonly BrightDetector _detector = new();
    private readonly Trainer _trainer;

    public RunDirectoryTests() => _trainer = new Trainer(Options, _detector);

    private string Run => _folder["runs/first"];

    public void Dispose()
    {
        _trainer.Dispose();
        _detector.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void What_was_saved_comes_back()
    {
        var position = new RunPosition(7, 2, 1.0 / 3, Math.PI);
        using (var run = RunDirectory.Create(Run, Options))
        {
            run.Restore(_trainer).ShouldBe(new RunPosition(0, 0, null, 0));
            run.Save(_trainer, position);
        }

        using var again = RunDirectory.Resume(Run, Options);

        again.Restore(_trainer).ShouldBe(position);
        _trainer.Steps.ShouldBe(7);
        TrainingOptionsFile.Differences(RunDirectory.ReadOptions(Run), Options).ShouldBeEmpty();
    }

    [Fact]
    public void A_folder_with_a_run_is_not_used_for_another()
    {
        RunDirectory.Create(Run, Options).Dispose();

        Should.Throw<GenIspException>(() => RunDirectory.Create(Run, Options)).Message
            .ShouldBe($"{Run} holds a training run already. Go on with it by --resume, or choose another folder.");
    }

    [Fact]
    public void A_run_with_other_options_is_not_gone_on_with_and_the_changes_are_listed()
    {
        RunDirectory.Create(Run, Options).Dispose();

        var error = Should.Throw<GenIspException>(() => RunDirectory.Resume(
            Run, Options with { Epochs = 4, Simulation = new(), Loss = Options.Loss with { Beta = 1 } }));

        error.Message.ShouldContain("Changed: simulation: null → {\"cameras\":");
        error.Message.ShouldContain("; epochs: 3 → 4; loss.beta: 0.1111111111111111 → 1. ");
    }

    [Fact]
    public void Without_a_run_there_is_nothing_to_go_on_with_and_nothing_is_made()
    {
        Should.Throw<GenIspException>(() => RunDirectory.Resume(Run, Options)).Message
            .ShouldBe($"{Run} holds no training run to go on with: there is no options.json.");
        Directory.Exists(Run).ShouldBeFalse();
    }

    [Fact]
    public void A_folder_that_a_process_trains_in_is_refused_until_it_ends()
    {
        using (RunDirectory.Create(Run, Options))
        {
            Should.Throw<GenIspException>(() => RunDirectory.Resume(Run, Options)).Message
                .ShouldBe($"{Run} is in use: another process trains in it.");
            Should.Throw<GenIspException>(() => RunDirectory.Create(Run, Options)).Message.ShouldContain("is in use");
        }

        RunDirectory.Resume(Run, Options).Dispose();
    }

    [Fact]
    public void A_folder_that_cant_be_made_is_named()
    {
        File.WriteAllText(_folder["runs"], "a file");

        Should.Throw<GenIspException>(() => RunDirectory.Create(Run, Options)).Message.ShouldStartWith($"{Run} can't be a run's folder: ");
    }

    [Fact]
    public void A_checkpoint_that_cant_be_written_leaves_the_one_before_whole()
    {
        using var run = RunDirectory.Create(Run, Options);
        run.Save(_trainer, new RunPosition(1, 0, null, 0));
        var (state, last) = (Path.Combine(Run, "state.safetensors"), Path.Combine(Run, "last.safetensors"));
        var before = File.ReadAllBytes(last);
        // A folder in its way is as good as a full disk, and better to have in a test.
        File.Move(state, state + ".kept");
        Directory.CreateDirectory(Path.Combine(state, "in the way"));

        Should.Throw<GenIspException>(() => run.Save(_trainer, new RunPosition(2, 0, null, 0))).Message
            .ShouldStartWith($"{state} can't be written: ");

        File.ReadAllBytes(last).ShouldBe(before);
        Directory.GetFiles(Run, "*.part").ShouldBeEmpty();
        Directory.Delete(state, recursive: true);
        File.Move(state + ".kept", state);
        run.Restore(_trainer).Step.ShouldBe(1);
    }

    [Fact]
    public void Where_the_ISP_cant_be_written_the_state_stays_the_one_before()
    {
        using var run = RunDirectory.Create(Run, Options);
        Directory.CreateDirectory(Path.Combine(Run, "last.safetensors", "in the way"));

        Should.Throw<GenIspException>(() => run.Save(_trainer, new RunPosition(2, 1, null, 0))).Message.ShouldContain("last.safetensors");

        run.Restore(_trainer).Step.ShouldBe(0, "the ISP comes first, so that a finished state never has an older ISP beside it");
    }

    [Fact]
    public void A_damaged_state_is_named_and_the_trainer_stays()
    {
        using var run = RunDirectory.Create(Run, Options);
        run.Save(_trainer, new RunPosition(1, 0, null, 0));
        var state = Path.Combine(Run, "state.safetensors");
        var bytes = File.ReadAllBytes(state);

        File.WriteAllBytes(state, bytes[..(bytes.Length / 2)]);
        Should.Throw<GenIspException>(() => run.Restore(_trainer)).Message
            .ShouldStartWith($"{state} is no safetensors file, or is damaged: ");

        File.WriteAllBytes(state, []);
        Should.Throw<GenIspException>(() => run.Restore(_trainer)).Message.ShouldContain("state.safetensors");

        var without = _trainer.Save();
        SafetensorsFile.Write(state, without);
        Should.Throw<GenIspException>(() => run.Restore(_trainer)).Message.ShouldContain("its metadata has no whole number \"step\"");

        without.Metadata["step"] = "-1";
        SafetensorsFile.Write(state, without);
        Should.Throw<GenIspException>(() => run.Restore(_trainer)).Message.ShouldContain("its metadata has no whole number \"step\"");
        _trainer.Steps.ShouldBe(0);
    }
}
