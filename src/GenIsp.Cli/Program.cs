using GenIsp;
using GenIsp.Cli;

NativeRuntime.Configure();
return await CommandLine.RunAsync(args, Terminal.ForThisProcess());
