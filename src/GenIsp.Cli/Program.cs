using GenIsp.Cli;

return await CommandLine.RunAsync(args, Terminal.ForThisProcess());
