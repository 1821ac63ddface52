using GenIsp.Isp;
using static TorchSharp.torch;

namespace GenIsp.Benchmarks;

/// <summary>The ISP's part of a training step, there and back to its weights, beside PyTorch eager, in turns: 416×312.</summary>
internal static class StepBenchmark
{
    private const int Width = 416, Height = 312, Rounds = 15;

    // .NET compiles hot methods again while they run.
    private const int WarmUps = 10;

    public static void Run()
    {
        random.manual_seed(1);
        using var scope = NewDisposeScope();
        using var model = new GenIspModel(initialization: GenIspInitialization.Identity);
        var image = rand([1, 3, Height, Width]);
        using var torch = PythonPeer.StartTorch("torch_isp.py");
        var version = torch?.Ask($"{Width} {Height}");
        List<double> ours = [], eager = [];
        for (var round = -WarmUps; round < Rounds; round++)
        {
            var (mine, theirs) = (Comparison.Time(() => Learn(model, image)), torch?.Measure("learn") ?? double.NaN);
            if (round < 0)
                continue;
            ours.Add(mine);
            eager.Add(theirs);
        }
        var ratio = Ratio.Of(eager, ours);
        Console.WriteLine($"step: GenISP there and back at {Width}×{Height} on {BenchmarkFile.Processor}: {Timing.Of(ours)}");
        if (torch is not null)
            Console.WriteLine($"       PyTorch {version} {Timing.Of(eager)}; ratio {ratio}");
        BenchmarkFile.Write("step", new { width = Width, height = Height, ours = Timing.Of(ours), torch = Timing.Of(eager), ratio });
    }

    private static void Learn(GenIspModel model, Tensor image)
    {
        using var scope = NewDisposeScope();
        model.zero_grad();
        model.forward(image).abs().mean().backward();
    }
}
