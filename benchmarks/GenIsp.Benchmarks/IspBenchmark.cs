using System.Globalization;
using System.Runtime.Intrinsics;
using GenIsp.Color;
using GenIsp.Geometry;
using GenIsp.Isp;
using GenIsp.Isp.Fused;
using GenIsp.Weights;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace GenIsp.Benchmarks;

/// <summary>
/// <see cref="FusedGenIsp"/> beside PyTorch eager and ONNX Runtime, in turns: 1200×800, and half of 20 megapixels' width and height.
/// </summary>
internal static class IspBenchmark
{
    // Direct convolutions at 1200×800, with ConvWB and ConvCC: what all three compute, each in its own way.
    private const double MultiplyAddsPerPixel = 3 * 16 * 9 + 16 * 64 * 9 + 64 * 3;
    private const double MultiplyAddsOfPredictions =
        2 * (256 * 256 * 3 * 16 * 49.0 + 128 * 128 * 16 * 32 * 25.0 + 64 * 64 * 32 * 128 * 9.0);

    public static void Run()
    {
        TorchSharp.torch.random.manual_seed(1);
        using var model = new GenIspModel(initialization: GenIspInitialization.Identity);
        var weights = StateDict.From(model);
        using var fused = FusedGenIsp.From(model);
        using (var torch = PythonPeer.StartTorch("torch_isp.py"))
        {
            BenchmarkFile.Write(
                "isp",
                new[]
                {
                    Compare(fused, weights, torch, 1200, 800, rounds: 9),
                    Compare(fused, weights, torch, 2736, 1824, rounds: 3),
                });
        }
        AsItComes(fused);
    }

    // Once, as a picture takes up to half a minute, most of it in the system, which clears memory that was given back a moment before.
    private static void AsItComes(FusedGenIsp fused)
    {
        using var torch = PythonPeer.StartTorch("torch_isp.py", asItComes: true);
        if (torch is null)
            return;
        foreach (var (width, height) in new[] { (1200, 800), (2736, 1824) })
        {
            var image = Picture(width, height);
            torch.Ask(string.Create(CultureInfo.InvariantCulture, $"{width} {height}"));
            torch.Measure("run");
            var (ours, theirs) = (Comparison.InARow(() => { fused.Develop(image); }), torch.Measure("run"));
            Console.WriteLine(
                $"       PyTorch as it comes, without this program's settings, {width}×{height}: {theirs:0} ms, ratio {theirs / ours:0.0}");
        }
    }

    private static LinearImage Picture(int width, int height)
    {
        var random = new Random(1);
        float[] pixels = [.. Enumerable.Range(0, 3 * width * height).Select(_ => 0.3f * random.NextSingle())];
        return new LinearImage("random", pixels, new Frame(width, height), CstDirection.Inverse, null, new Vector3(1, 1, 1));
    }

    private static object Compare(FusedGenIsp fused, StateDict weights, PythonPeer? torch, int width, int height, int rounds)
    {
        var image = Picture(width, height);
        var memory = PeakMemory(() => fused.Develop(image));
        using var onnx = new OnnxSide(weights, image);
        var difference = onnx.Run().Zip(fused.Develop(image).Pixels.ToArray(), (a, b) => Math.Abs(a - b)).Max();
        var version = torch?.Ask(string.Create(CultureInfo.InvariantCulture, $"{width} {height}"));
        List<double> ours = [], theirs = [], eager = [], peaks = [];
        for (var round = -2; round < rounds; round++)
        {
            var mine = Comparison.InARow(() => { fused.Develop(image); });
            var other = Comparison.InARow(() => { onnx.Run(); });
            var python = torch is null ? double.NaN : Comparison.InARow(() => torch.Measure("run"));
            var peak = Comparison.InARow(Peak);
            if (round < 0)
                continue;
            ours.Add(mine);
            theirs.Add(other);
            eager.Add(python);
            peaks.Add(peak);
        }
        var work = MultiplyAddsPerPixel * width * height + MultiplyAddsOfPredictions;
        var floor = Timing.Of([.. peaks.Select(peak => 1e3 * work / peak)]);
        var (perOnnx, perTorch) = (Ratio.Of(theirs, ours), Ratio.Of(eager, ours));
        Console.WriteLine($"isp: {width}×{height} on {BenchmarkFile.Processor}");
        Console.WriteLine($"       FusedGenIsp {Timing.Of(ours)}; {memory:0} MB beside the input");
        Console.WriteLine($"       ONNX Runtime {Timing.Of(theirs)}; ratio {perOnnx}; differs by {difference:0.0e+0}");
        if (torch is not null)
            Console.WriteLine($"       PyTorch {version} {Timing.Of(eager)}, at most {torch.Measure("peak"):0} MB; ratio {perTorch}");
        Console.WriteLine($"       the same by direct convolution, {work / 1e9:0.0} G multiply-adds at the peak of all cores: {floor}");
        return new
        {
            width,
            height,
            fused = Timing.Of(ours),
            onnxRuntime = Timing.Of(theirs),
            torch = torch is null ? (Timing?)null : Timing.Of(eager),
            ratioToOnnxRuntime = perOnnx,
            ratioToTorch = torch is null ? (Ratio?)null : perTorch,
            directFloor = floor,
            megabytes = memory,
        };
    }

    private static double Peak() => Vector512.IsHardwareAccelerated
        ? PeakKernel.Measure<Simd512, Vector512<float>>()
        : PeakKernel.Measure<Simd256, Vector256<float>>();

    // Linux counts the most memory that was ever in use, and begins anew when asked.
    private static double PeakMemory(Action action)
    {
        const string Reset = "/proc/self/clear_refs";
        if (!File.Exists(Reset))
            return double.NaN;
        action();
        // Or the next picture would take memory that is counted already.
        GC.Collect(2, GCCollectionMode.Aggressive);
        File.WriteAllText(Reset, "5");
        var before = Status("VmRSS");
        action();
        return (Status("VmHWM") - before) / 1024;
    }

    private static double Status(string key) =>
        double.Parse(
            File.ReadLines("/proc/self/status").First(line => line.StartsWith(key, StringComparison.Ordinal)).Split(' ', '\t')[^2],
            CultureInfo.InvariantCulture);

    private sealed class OnnxSide : IDisposable
    {
        private readonly InferenceSession _session;
        private readonly DenseTensor<float> _input;

        public OnnxSide(StateDict weights, LinearImage image)
        {
            using var options = new SessionOptions { IntraOpNumThreads = Environment.ProcessorCount };
            _session = new InferenceSession(IspGraph.Build(weights, image.Width, image.Height), options);
            _input = new DenseTensor<float>(image.Pixels.ToArray(), [1, 3, image.Height, image.Width]);
        }

        public float[] Run()
        {
            using var results = _session.Run([NamedOnnxValue.CreateFromTensor("x", _input)]);
            return results[0].AsTensor<float>().ToArray();
        }

        public void Dispose() => _session.Dispose();
    }
}
