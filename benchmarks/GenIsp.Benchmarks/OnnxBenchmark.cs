using GenIsp.Color;
using GenIsp.Detection;
using GenIsp.Geometry;
using GenIsp.Isp;
using GenIsp.Training;
using Microsoft.ML.OnnxRuntime;
using static TorchSharp.torch;
using DenseTensor = Microsoft.ML.OnnxRuntime.Tensors.DenseTensor<float>;

namespace GenIsp.Benchmarks;

/// <summary>
/// Detectors from ONNX files, in turns: a detection beside ONNX Runtime and PyTorch eager, and a step of training beside PyTorch: two
/// pictures of 416×312 there and back to GenISP's weights. The peers run the networks alone, without boxes, suppression, the detector's
/// loss and the optimiser.
/// </summary>
internal static class OnnxBenchmark
{
    private const int Rounds = 15, WarmUps = 10, Width = 416, Height = 312;

    // Of PyTorch as it comes, which takes a second for a step.
    private const int FewRounds = 3;

    private static readonly DetectionTarget[] Targets = [new(new Box(10, 10, 140, 200), 0), new(new Box(200, 30, 400, 220), 2)];

    public static void Run()
    {
        var folder = Path.Combine(BenchmarkFile.SharedData, "weights");
        string[] files = Directory.Exists(folder) ? Directory.GetFiles(folder, "*.onnx") : [];
        if (files.Length == 0)
        {
            Console.WriteLine($"onnx: skipped: it needs detectors in {folder}");
            return;
        }
        Console.WriteLine($"onnx: on {BenchmarkFile.Processor}");
        BenchmarkFile.Write("onnx", files.Order(StringComparer.Ordinal).Select(Compare).ToList());
    }

    private static object Compare(string path)
    {
        using var scope = NewDisposeScope();
        using var detector = OnnxDetector.Load(path);
        using var torch = PythonPeer.StartTorch("torch_onnx.py", argument: path);
        using var options = new SessionOptions { IntraOpNumThreads = Environment.ProcessorCount };
        using var session = new InferenceSession(path, options);
        var (name, shape) = session.InputMetadata.Select(input => (input.Key, input.Value.Dimensions)).Single();
        torch?.Ask($"{Width} {Height}");
        random.manual_seed(1);
        var image = rand(3, shape[2], shape[3]);
        var input = NamedOnnxValue.CreateFromTensor(name, new DenseTensor(image.Numbers<float>(), shape));
        using var trainer = new Trainer(new TrainingOptions { Initialization = GenIspInitialization.Identity }, detector);
        var batch = new TrainingBatch(2, [Sample("a"), Sample("b")]);
        var (detecting, learning) = (new Times(), new Times());
        for (var round = -WarmUps; round < Rounds; round++)
        {
            var detect = Comparison.InARow(() => Detect(detector, image));
            var learn = Comparison.InARow(() => trainer.Step(batch, 1e-5));
            var runtime = Comparison.InARow(() => session.Run([input]).Dispose());
            double Torch(string line) => torch is null ? double.NaN : Comparison.InARow(() => torch.Measure(line));
            var (eagerDetect, eagerLearn) = (Torch("detect"), Torch("learn"));
            if (round < 0)
                continue;
            detecting.Add(detect, runtime, eagerDetect);
            learning.Add(learn, double.NaN, eagerLearn);
        }
        var file = Path.GetFileName(path);
        Console.WriteLine($"       {file}: a detection {Timing.Of(detecting.Ours)}; ONNX Runtime {Timing.Of(detecting.Runtime)}, ratio "
            + $"{detecting.ToRuntime}; PyTorch {Timing.Of(detecting.Torch)}, ratio {detecting.ToTorch}");
        Console.WriteLine($"       a step of 2 {Timing.Of(learning.Ours)}; PyTorch {Timing.Of(learning.Torch)}, ratio {learning.ToTorch}");
        AsItComes(path, detecting, learning);
        return new
        {
            file,
            detection = Timing.Of(detecting.Ours),
            detectionToOnnxRuntime = detecting.ToRuntime,
            detectionToTorch = detecting.ToTorch,
            step = Timing.Of(learning.Ours),
            stepToTorch = learning.ToTorch,
        };
    }

    private static void AsItComes(string path, Times detecting, Times learning)
    {
        using var torch = PythonPeer.StartTorch("torch_onnx.py", asItComes: true, argument: path);
        if (torch is null)
            return;
        torch.Ask($"{Width} {Height}");
        Timing Of(string line) => Timing.Of([.. Enumerable.Range(0, FewRounds + 1).Select(_ => torch.Measure(line)).Skip(1)]);
        var (detect, learn) = (Of("detect"), Of("learn"));
        Console.WriteLine($"       PyTorch as it comes: a detection {detect}, ratio {detect.Median / Timing.Of(detecting.Ours).Median:0.0}; "
            + $"a step of 2 {learn}, ratio {learn.Median / Timing.Of(learning.Ours).Median:0.0}");
    }

    private static void Detect(OnnxDetector detector, Tensor image)
    {
        using var scope = NewDisposeScope();
        detector.Detect([image], 0.3f);
    }

    private static TrainingSample Sample(string name)
    {
        using var scope = NewDisposeScope();
        var pixels = rand(3, Height, Width).Times(0.3).Numbers<float>();
        var image = new LinearImage(name, pixels, new Frame(Width, Height), CstDirection.Inverse, null, new Vector3(1, 1, 1));
        return new TrainingSample(name, image, Targets, null);
    }

    // Milliseconds, round by round.
    private sealed class Times
    {
        public List<double> Ours { get; } = [];

        public List<double> Runtime { get; } = [];

        public List<double> Torch { get; } = [];

        public Ratio ToRuntime => Ratio.Of(Runtime, Ours);

        public Ratio ToTorch => Ratio.Of(Torch, Ours);

        public void Add(double ours, double runtime, double torch)
        {
            Ours.Add(ours);
            Runtime.Add(runtime);
            Torch.Add(torch);
        }
    }
}
