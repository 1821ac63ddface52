using GenIsp.Reporting;

namespace GenIsp.Tests.Reporting;

public sealed class TrainingCurvesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_log_is_read_while_it_is_being_written()
    {
        using var log = new FileStream(_folder["log.jsonl"], FileMode.Create, FileAccess.Write, FileShare.Read);
        log.Write("""
            {"step":1,"epoch":1,"loss":0.5,"imitation":0.25,"classification":0.125,"boxes":null,"color":0,"learning_rate":0.001}
            {"step":1,"epoch":1,"mean_loss":0.5,"validation":{"images":2,"AP":0.3,"AP50":0.5,"AR100":0.4},"seconds":{}}
            {"step":2,"epoch":2,"mean_loss":0.5,"validation":null,"seconds":{}}
            {"step":3,"epo
            """u8);
        log.Flush();

        var curves = TrainingCurves.Read(_folder.Root);

        curves.Steps.ShouldBe([new TrainingStep(1, 0.001, 0.5, 0.25, 0.125, null, 0)]);
        curves.Epochs.ShouldBe([new TrainingEpoch(1, 0.3, 0.5, 0.4), new TrainingEpoch(2, null, null, null)]);
    }

    [Fact]
    public void A_folder_without_a_log_is_refused() =>
        Should.Throw<GenIspException>(() => TrainingCurves.Read(_folder.Root)).Message.ShouldContain("log.jsonl does not exist");
}
