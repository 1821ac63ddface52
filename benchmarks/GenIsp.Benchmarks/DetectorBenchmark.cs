using GenIsp.Detection;
using GenIsp.Detection.RetinaNet;
using GenIsp.Geometry;
using GenIsp.Isp;
using GenIsp.Tests.Detection;
using GenIsp.Weights;
using static TorchSharp.torch;

namespace GenIsp.Benchmarks;

/// <summary>
/// A step of training under RetinaNet R50 v2, and a detection, beside PyTorch eager, in turns: two pictures of 1200×800, random weights.
/// How far the gradient to the ISP's weights is from float32's, as a share of its length.
/// </summary>
internal static class DetectorBenchmark
{
    private const int Width = 1200, Height = 800, Rounds = 3, Batch = 2;

    private static readonly DetectionTarget[] Targets = [new(new Box(100, 100, 400, 500), 0), new(new Box(700, 300, 900, 420), 2)];

    public static void Run()
    {
        random.manual_seed(1);
        using var scope = NewDisposeScope();
        using var isp = new GenIspModel(initialization: GenIspInitialization.Identity);
        var images = rand([Batch, 3, Height, Width]).Times(0.3);
        var weights = Weights();
        using var torch = PythonPeer.StartTorch("torch_detector.py");
        var version = torch?.Ask($"{Width} {Height}");
        var sides = new[] { DetectorPrecision.Float32, DetectorPrecision.Mixed, DetectorPrecision.Bfloat16 }
            .Select(precision => new Side(precision, weights)).ToList();
        List<double> learning = [], detecting = [];
        for (var round = -1; round < Rounds; round++)
        {
            foreach (var side in sides)
                side.Measure(isp, images, keep: round >= 0);
            if (torch is null)
                continue;
            var (learn, detect) = (torch.Measure("learn"), torch.Measure("detect"));
            if (round < 0)
                continue;
            learning.Add(learn);
            detecting.Add(detect);
        }
        Console.WriteLine($"detector: RetinaNet R50 v2, {Width}×{Height}, on {BenchmarkFile.Processor}");
        if (torch is not null)
            Console.WriteLine($"       PyTorch {version}: a step of {Batch} {Timing.Of(learning)}, one detection {Timing.Of(detecting)}");
        BenchmarkFile.Write("detector", sides.Select(side => side.Report(sides[0], learning, detecting)).ToList());
        AsItComes(sides[0]);
        sides.ForEach(side => side.Dispose());
    }

    // Once: a step takes a minute, most of it in the system, which clears memory that was given back a moment before.
    private static void AsItComes(Side ours)
    {
        using var torch = PythonPeer.StartTorch("torch_detector.py", asItComes: true);
        if (torch is null)
            return;
        torch.Ask($"{Width} {Height}");
        torch.Measure("detect");
        var (detect, learn) = (torch.Measure("detect"), torch.Measure("learn"));
        Console.WriteLine(
            $"       PyTorch as it comes, without this program's settings: a step of {Batch} {learn:0} ms, ratio {learn / ours.Step:0.0}; "
            + $"one detection {detect:0} ms, ratio {detect / ours.Detection:0.0}");
    }

    // Torchvision's names and shapes, and numbers by a formula.
    private static StateDict Weights()
    {
        var reference = RetinaNetReference.Instance.Cases.Values.First(reference => reference.Version == 2);
        return RetinaNetReference.WeightsOf(reference with { Classes = 91 });
    }

    private sealed class Side(DetectorPrecision precision, StateDict weights) : IDisposable
    {
        private readonly RetinaNet _detector = RetinaNet.FromStateDict(
            weights, "random", new RetinaNetOptions { Precision = precision });

        private readonly List<double> _learning = [];
        private readonly List<double> _detecting = [];
        private float[] _gradient = [];

        public double Step => Timing.Of(_learning).Median;

        public double Detection => Timing.Of(_detecting).Median;

        public void Measure(GenIspModel isp, Tensor images, bool keep)
        {
            var (learn, detect) = (Comparison.Time(() => Learn(isp, images)), Comparison.Time(() => Detect(images)));
            if (!keep)
                return;
            _learning.Add(learn);
            _detecting.Add(detect);
        }

        public object Report(Side float32, List<double> learning, List<double> detecting)
        {
            Ratio? To(List<double> peer, List<double> ours) => peer.Count > 0 ? Ratio.Of(peer, ours) : null;
            static string Text(Ratio? ratio) => ratio is null ? "" : $", ratio {ratio}";
            var (ofLearning, ofDetecting) = (To(learning, _learning), To(detecting, _detecting));
            var distance = Math.Sqrt(
                _gradient.Zip(float32._gradient, (a, b) => Math.Pow(a - b, 2)).Sum() / float32._gradient.Sum(value => Math.Pow(value, 2)));
            Console.WriteLine(
                $"       {precision}: a step of {Batch} {Timing.Of(_learning)}{Text(ofLearning)}; one detection {Timing.Of(_detecting)}"
                + $"{Text(ofDetecting)}; gradient differs by {distance:0.0000}");
            return new
            {
                precision = $"{precision}",
                step = Timing.Of(_learning),
                ratioOfStep = ofLearning,
                detection = Timing.Of(_detecting),
                ratioOfDetection = ofDetecting,
                gradientDistance = distance,
            };
        }

        public void Dispose() => _detector.Dispose();

        // As the trainer does it: each picture alone.
        private void Learn(GenIspModel isp, Tensor images)
        {
            isp.zero_grad();
            for (var i = 0; i < Batch; i++)
            {
                using var scope = NewDisposeScope();
                var picture = isp.forward(images[i].unsqueeze(0));
                var terms = _detector.Loss([picture[0]], [Targets], new DetectionLossOptions());
                terms.Classification.Plus(terms.Boxes).DividedBy(Batch).backward();
            }
            using var reading = NewDisposeScope();
            _gradient = [.. isp.parameters().SelectMany(parameter => parameter.grad!.flatten().data<float>().ToArray())];
        }

        private void Detect(Tensor images)
        {
            using var scope = NewDisposeScope();
            _detector.Detect([images[0]], 0.05f);
        }
    }
}
