using System.Runtime.CompilerServices;
using System.Text.Json;
using GenIsp.Data;
using GenIsp.Detection;
using GenIsp.Isp;

namespace GenIsp.Training;

/// <summary>How the learning rate goes down.</summary>
public enum Schedule
{
    /// <summary>By <see cref="TrainingOptions.Decay"/> at each of the <see cref="TrainingOptions.Milestones"/>: the paper's.</summary>
    Steps,

    /// <summary>
    /// Along half a cosine, to 0 at the end of the run (Loshchilov and Hutter, SGDR, arXiv 1608.03983,
    /// without restarts).
    /// </summary>
    Cosine,
}

/// <summary>The photos become simulated nights while they are read, new ones in each epoch.</summary>
public sealed record NightSimulation
{
    /// <summary>One is drawn for each photo: names of presets or JSON files, as <see cref="SimulatedCamera.Load"/> takes them.</summary>
    public IReadOnlyList<string> Cameras { get; init; } = ["sony-rx100m7"];

    /// <summary>How dark and noisy.</summary>
    public NightOptions Night { get; init; } = new();
}

/// <summary>
/// All that determines a training run. The defaults are the paper's (GenISP, section 4), and where it is silent, the field's.
/// </summary>
public sealed record TrainingOptions
{
    /// <summary>The frozen detector: an ONNX file or torchvision's RetinaNet.</summary>
    public string Detector { get; init; } = "";

    /// <summary>Folder of the RAW files to learn from; of photos, with <see cref="Simulation"/>.</summary>
    public string Images { get; init; } = "";

    /// <summary>Their COCO annotations.</summary>
    public string Annotations { get; init; } = "";

    /// <summary>Folder of the images on which each epoch is measured; null measures nothing.</summary>
    public string? ValidationImages { get; init; }

    /// <summary>Their COCO annotations.</summary>
    public string? ValidationAnnotations { get; init; }

    /// <summary>Epochs from one measurement to the next, 1..100,000; the last epoch is always measured.</summary>
    public int ValidationInterval { get; init => field = (int)Check(value, 1, 100_000); } = 1;

    /// <summary>What the detector computes in. A run's own options say what <see cref="DetectorPrecision.Auto"/> was.</summary>
    public DetectorPrecision Precision { get; init; } = DetectorPrecision.Float32;

    /// <summary>Simulated night; null where the images are RAW files.</summary>
    public NightSimulation? Simulation { get; init; }

    /// <summary>Passes over the images, 1..100,000.</summary>
    /// <exception cref="GenIspException">On setting: it is out of range; so for the other numbers.</exception>
    public int Epochs { get; init => field = (int)Check(value, 1, 100_000); } = 15;

    /// <summary>Images a step, 1..4096.</summary>
    public int BatchSize { get; init => field = (int)Check(value, 1, 4096); } = 8;

    /// <summary>Of Adam, at its highest; 0..10.</summary>
    public double LearningRate { get; init => field = Check(value, 0, 10); } = 1e-2;

    /// <summary>How the rate goes down.</summary>
    public Schedule Schedule { get; init; } = Schedule.Steps;

    /// <summary>Epochs, from 0, at whose beginning the rate falls.</summary>
    public IReadOnlyList<int> Milestones { get; init; } = [5, 10];

    /// <summary>By what the rate is multiplied there, 0..1.</summary>
    public double Decay { get; init => field = Check(value, 0, 1); } = 0.1;

    /// <summary>Steps over which the rate rises from near 0: at the start, and again after the imitation.</summary>
    public int WarmUpSteps { get; init => field = (int)Check(value, 0, 1_000_000); }

    /// <summary>The longest gradient, as the Euclidean norm over all weights; 0 leaves it alone.</summary>
    public double ClipNorm { get; init => field = Check(value, 0, 1e6); }

    /// <summary>
    /// How much of the old is in each step's moving average of the weights (Polyak and Juditsky 1992), 0..1. The average is what is
    /// measured and saved. 0 averages nothing.
    /// </summary>
    public double AveragingDecay { get; init => field = Check(value, 0, 0.999999); }

    /// <summary>How the network begins.</summary>
    public GenIspInitialization Initialization { get; init; } = GenIspInitialization.Default;

    /// <summary>
    /// Steps at the start that imitate a good picture before the detector teaches, for a random network's pictures show that nothing: of a
    /// simulated night the photo itself, of a RAW file the classical ISP's picture, its noise filtered. The loss is the mean absolute
    /// difference.
    /// </summary>
    public int ImitationSteps { get; init => field = (int)Check(value, 0, 1_000_000); }

    /// <summary>The network, and the size of its pictures; if that is null, it becomes the detector's own.</summary>
    public GenIspOptions Network { get; init; } = new();

    /// <summary>How often an image is mirrored, 0..1.</summary>
    public double FlipProbability { get; init => field = Check(value, 0, 1); } = 0.5;

    /// <summary>Linear light is multiplied by 1 ± this, 0..1.</summary>
    public double Brightness { get; init => field = Check(value, 0, 1); } = 0.2;

    /// <summary>The distance from the mean is multiplied by 1 ± this, 0..1.</summary>
    public double Contrast { get; init => field = Check(value, 0, 1); } = 0.2;

    /// <summary>The detector's loss.</summary>
    public DetectionLossOptions Loss { get; init; } = new();

    /// <summary>The weight of the gray-world term |mR − mG| + |mR − mB| + |mG − mB| of the picture's channel means.</summary>
    public double ColorLossWeight { get; init => field = Check(value, 0, 1e6); }

    /// <summary>The same seed and options give the same weights on the same machine.</summary>
    public long Seed { get; init; }

    /// <summary>The paper's recipe.</summary>
    public static TrainingOptions Paper { get; } = new();

    /// <summary>
    /// What learns better, as measured in <c>docs/results.md</c>; the network is the paper's, and so is its input but for pictures that
    /// shrink: they are averaged.
    /// </summary>
    public static TrainingOptions Night { get; } = new()
    {
        Epochs = 39,
        BatchSize = 2,
        LearningRate = 3e-3,
        Schedule = Schedule.Cosine,
        WarmUpSteps = 16,
        ClipNorm = 5,
        AveragingDecay = 0.98,
        Initialization = GenIspInitialization.Identity,
        ImitationSteps = 1512,
        Network = new GenIspOptions { Antialias = true },
    };

    private static double Check(double value, double least, double most, [CallerMemberName] string name = "") =>
        value >= least && value <= most
            ? value
            : throw new GenIspException(FormattableString.Invariant(
                $"\"{JsonNamingPolicy.SnakeCaseLower.ConvertName(name)}\" is {value}, but must be from {least} to {most}."));
}
