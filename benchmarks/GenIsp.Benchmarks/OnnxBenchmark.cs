using GenIsp.Detection;
using GenIsp.Geometry;
using Microsoft.ML.OnnxRuntime;
using static TorchSharp.torch;
using DenseTensor = Microsoft.ML.OnnxRuntime.Tensors.DenseTensor<float>;

namespace GenIsp.Benchmarks;

/// <summary>
/// Detectors from ONNX files, in turns: a detection beside ONNX Runtime and PyTorch eager, and a step of training, from an image to the
/// loss and back, beside PyTorch. The peers run the network alone, without letterbox, boxes, suppression and the detector's loss.
/// </summary>
internal static class OnnxBenchmark
{
    private const int Rounds = 15, WarmUps = 10;

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
        random.manual_seed(1);
        var image = rand(3, shape[2], shape[3]);
        var input = NamedOnnxValue.CreateFromTensor(name, new DenseTensor(image.Numbers<float>(), shape));
        var (detecting, learning) = (new Times(), new Times());
        for (var round = -WarmUps; round < Rounds; round++)
        {
            var detect = Comparison.InARow(() => Detect(detector, image));
            var learn = Comparison.InARow(() => Learn(detector, image));
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
        Console.WriteLine($"       a step {Timing.Of(learning.Ours)}; PyTorch {Timing.Of(learning.Torch)}, ratio {learning.ToTorch}");
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

    private static void Detect(OnnxDetector detector, Tensor image)
    {
        using var scope = NewDisposeScope();
        detector.Detect([image], 0.3f);
    }

    private static void Learn(OnnxDetector detector, Tensor image)
    {
        using var scope = NewDisposeScope();
        var terms = detector.Loss([image.detach().requires_grad_()], [Targets], new DetectionLossOptions());
        terms.Classification.Plus(terms.Boxes).backward();
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
