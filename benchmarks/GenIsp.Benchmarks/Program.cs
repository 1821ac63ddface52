using GenIsp;
using GenIsp.Benchmarks;

NativeRuntime.Configure();
var benchmarks = new Dictionary<string, Action>
{
    ["color"] = ColorBenchmark.Run,
    ["data"] = DataBenchmark.Run,
    ["coco"] = CocoBenchmark.Run,
    ["isp"] = IspBenchmark.Run,
    ["mpi"] = MpiBenchmark.Run,
    ["step"] = StepBenchmark.Run,
    ["detector"] = DetectorBenchmark.Run,
    ["onnx"] = OnnxBenchmark.Run,
};
// The processes that a benchmark starts.
switch (args)
{
    case [MpiBenchmark.Exchange]:
        MpiBenchmark.RunExchange();
        return;
    case [MpiBenchmark.Train]:
        MpiBenchmark.RunTraining();
        return;
}
foreach (var (name, run) in benchmarks)
{
    if (args.Length == 0 || args.Any(filter => name.Contains(filter, StringComparison.OrdinalIgnoreCase)))
        run();
}
