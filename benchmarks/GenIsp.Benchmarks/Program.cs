using GenIsp;
using GenIsp.Benchmarks;

NativeRuntime.Configure();
var benchmarks = new Dictionary<string, Action>
{
    ["color"] = ColorBenchmark.Run,
    ["coco"] = CocoBenchmark.Run,
    ["isp"] = IspBenchmark.Run,
    ["step"] = StepBenchmark.Run,
};
foreach (var (name, run) in benchmarks)
{
    if (args.Length == 0 || args.Any(filter => name.Contains(filter, StringComparison.OrdinalIgnoreCase)))
        run();
}
