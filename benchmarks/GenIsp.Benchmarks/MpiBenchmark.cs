using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using GenIsp.Distributed;
using GenIsp.Training;

namespace GenIsp.Benchmarks;

/// <summary>
/// Training in two processes of one thread each beside training in one of one thread, in turns, each bound to its core: the first of COCO's
/// photos as nights, YOLOX-Nano, batches of 4. And what an all-reduce between two takes, through memory and through the network's loopback.
/// </summary>
internal static class MpiBenchmark
{
    /// <summary>The first argument of the processes that this one starts.</summary>
    public const string Train = "mpi-train", Exchange = "mpi-exchange";

    private const string Mpirun = "/usr/bin/mpirun";

    private const int Rounds = 5, Images = 16, BatchSize = 4;

    // .NET compiles hot methods again while they run: of two processes, each sees half the images meanwhile.
    private const int WarmUps = 3, Epochs = 5;

    // GenISP's gradients and four losses.
    private const int Gradients = 115_859;

    public static void Run()
    {
        if (!File.Exists(Mpirun) || !Directory.Exists(BenchmarkFile.SharedData))
        {
            Console.WriteLine(
                $"mpi: skipped: it needs {Mpirun} (apt-get install openmpi-bin) and photos and detector in {BenchmarkFile.SharedData}");
            return;
        }
        Console.WriteLine($"mpi: training by {Images} photos, YOLOX-Nano, batches of {BatchSize}, on {BenchmarkFile.Processor}");
        var memory = Ask<double[][]>(2, Exchange);
        var loopback = Ask<double[][]>(2, Exchange, "--mca", "pml", "ob1", "--mca", "btl", "tcp,self");
        foreach (var (name, rows) in new[] { ("memory", memory), ("loopback", loopback) })
        {
            Console.WriteLine(
                $"       all-reduce of two by {name}: {string.Join(", ", rows.Select(row => $"{row[0]:0} bytes {row[1]:0.0} µs"))}");
        }
        List<TrainingTimes> one = [], two = [];
        for (var round = 0; round < Rounds; round++)
        {
            one.Add(Ask<TrainingTimes>(1, Train));
            two.Add(Ask<TrainingTimes>(2, Train));
        }
        static List<double> Steps(List<TrainingTimes> times) => times.ConvertAll(time => time.Step);
        var ratio = Ratio.Of(Steps(one), Steps(two));
        Console.WriteLine($"       a step of one process {Timing.Of(Steps(one))}, of two {Timing.Of(Steps(two))}; ratio {ratio}");
        var least = (One: one.MinBy(time => time.Step)!, Two: two.MinBy(time => time.Step)!);
        Console.WriteLine($"       least {least.One.Step:0} and {least.Two.Step:0} ms, ratio {least.One.Step / least.Two.Step:0.00}");
        Console.WriteLine($"       where the time goes, of one {least.One}, of two {least.Two}");
        BenchmarkFile.Write("mpi", new { memory, loopback, one, two, ratio });
    }

    /// <summary>In one of the processes: sizes in bytes and microseconds.</summary>
    public static void RunExchange()
    {
        using var world = Communicator.Join();
        var rows = new List<double[]>();
        foreach (var count in (int[])[1, 1 << 10, 1 << 14, Gradients, 1 << 20])
        {
            var values = new float[count];
            var times = new List<double>();
            for (var i = 0; i < 200; i++)
                times.Add(Comparison.Time(() => world.Sum(values)));
            rows.Add([4 * count, 1000 * times.Order().ElementAt(times.Count / 2)]);
        }
        if (world.IsFirst)
            Console.WriteLine(JsonSerializer.Serialize(rows));
    }

    /// <summary>In one of the processes: milliseconds of a step.</summary>
    public static void RunTraining()
    {
        using var world = Communicator.Join();
        TorchSharp.torch.set_num_threads(1);
        var folder = Directory.CreateTempSubdirectory("genisp-bench-").FullName;
        try
        {
            var annotations = Path.Combine(folder, "first.json");
            WriteFirst(Path.Combine(BenchmarkFile.SharedData, "coco", "instances_train2017.json"), annotations);
            var options = TrainingOptions.Night with
            {
                Detector = Path.Combine(BenchmarkFile.SharedData, "weights", "yolox_nano.onnx"),
                Images = Path.Combine(BenchmarkFile.SharedData, "coco", "train2017"),
                Annotations = annotations,
                Simulation = new NightSimulation(),
                ImitationSteps = 0,
                BatchSize = BatchSize,
                Epochs = Epochs,
            };
            var stages = new Dictionary<string, double>();
            TrainingRun.Execute(Path.Combine(folder, "run"), options, false, news =>
            {
                if (news is not TrainingEvent.EpochDone { Epoch: > WarmUps } done)
                    return;
                const int Steps = Images / BatchSize * (Epochs - WarmUps);
                foreach (var (stage, seconds) in done.Seconds)
                    stages[stage] = stages.GetValueOrDefault(stage) + 1000 * seconds / Steps;
            }, CancellationToken.None, world);
            if (world.IsFirst)
                Console.WriteLine(JsonSerializer.Serialize(new TrainingTimes(stages.Values.Sum(), stages)));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // The first photos with boxes.
    private static void WriteFirst(string source, string path)
    {
        var all = JsonNode.Parse(File.ReadAllText(source))!.AsObject();
        var boxes = all["annotations"]!.AsArray().ToLookup(box => (int)box!["image_id"]!);
        var images = all["images"]!.AsArray().Where(image => boxes.Contains((int)image!["id"]!)).Take(Images).ToList();
        var kept = images.SelectMany(image => boxes[(int)image!["id"]!]).ToList();
        all["images"] = new JsonArray([.. images.Select(image => image!.DeepClone())]);
        all["annotations"] = new JsonArray([.. kept.Select(box => box!.DeepClone())]);
        File.WriteAllText(path, all.ToJsonString());
    }

    private static T Ask<T>(int processes, string what, params string[] options)
    {
        var program = Path.Combine(AppContext.BaseDirectory, "GenIsp.Benchmarks.dll");
        var start = new ProcessStartInfo(
            Mpirun, ["--allow-run-as-root", "--bind-to", "core", "-n", $"{processes}", .. options, "dotnet", program, what])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // mpirun's processes write to a terminal of its own, which .NET would greet.
        start.Environment["TERM"] = "dumb";
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? JsonSerializer.Deserialize<T>(output)!
            : throw new InvalidOperationException($"mpirun ended with {process.ExitCode}: {error.GetAwaiter().GetResult()}");
    }

    /// <summary>Milliseconds of a step, in all and by stage.</summary>
    private sealed record TrainingTimes(double Step, Dictionary<string, double> Stages)
    {
        public override string ToString() => string.Join(", ", Stages.Select(stage => $"{stage.Key} {stage.Value:0.0}"));
    }
}
