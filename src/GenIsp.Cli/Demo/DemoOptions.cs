using GenIsp.Data;
using GenIsp.Isp;
using GenIsp.Training;

namespace GenIsp.Cli.Demo;

/// <summary>How much the demo draws and trains. The defaults take less than five minutes on two cores.</summary>
internal sealed record DemoOptions
{
    /// <summary>The same seed gives the same streets, nights and weights.</summary>
    public long Seed { get; init; } = 1;

    public int TrainingScenes { get; init; } = 160;

    public int TestScenes { get; init; } = 80;

    /// <summary>
    /// A third of moderate noise is hard here: the detector sees every pixel, where larger photos would be shrunk and their noise averaged.
    /// </summary>
    public NightOptions Night { get; init; } = new() { ShotNoise = new LogRange(3e-5, 3e-4) };

    /// <summary>
    /// The recipe, without data. What limits the picture here is its tones, not noise, so the detector's part is four fifths, by the loss
    /// that it learned by. Single images: more steps count for more than smooth ones. No jitter: each epoch has nights of its own.
    /// These pools, the Delft reproduction's, make a step a third cheaper.
    /// </summary>
    public TrainingOptions Training { get; init; } = TrainingOptions.Night with
    {
        Epochs = 10,
        BatchSize = 1,
        ImitationSteps = 320,
        Brightness = 0,
        Contrast = 0,
        Loss = StreetDetectorTraining.Loss,
        Network = new GenIspOptions { Pools = [4, 3, 2] },
    };

    /// <summary>An ONNX file.</summary>
    public string Detector { get; init; } = Path.Combine(AppContext.BaseDirectory, "models", "street.onnx");
}
