using System.Collections.Concurrent;
using System.Diagnostics;
using Spectre.Console;

namespace GenIsp.Cli;

/// <summary>Does the same to many files: a bar with the time left, and a bad file spoils nothing but itself.</summary>
internal static class Batch
{
    /// <summary>Runs <paramref name="work"/> on each file, on so many at a time; errors are reported and counted.</summary>
    /// <returns>The exit code: done, or failed if any file was.</returns>
    public static int Run(
        Terminal terminal, IReadOnlyList<InputFile> files, Action<InputFile> work, CancellationToken cancellation, int workers = 1)
    {
        var failures = 0;
        void RunOne(InputFile file)
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                work(file);
            }
            catch (GenIspException e)
            {
                lock (terminal)
                {
                    failures++;
                    terminal.Say($"genisp: {e.Message}");
                }
            }
        }
        void RunAll(Action<InputFile> one)
        {
            if (workers == 1)
            {
                foreach (var file in files)
                    one(file);
                return;
            }
            var options = new ParallelOptions { MaxDegreeOfParallelism = workers, CancellationToken = cancellation };
            Parallel.ForEach(Partitioner.Create(files, EnumerablePartitionerOptions.NoBuffering), options, one);
        }
        if (files.Count > 1 && terminal.Error.Profile.Capabilities.Interactive)
        {
            terminal.Error.Progress().AutoClear(true)
                .Columns(
                    new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn(),
                    new SpinnerColumn())
                .Start(context =>
                {
                    var task = context.AddTask("", maxValue: files.Count);
                    RunAll(file =>
                    {
                        task.Description = Markup.Escape(Path.GetFileName(file.Path));
                        RunOne(file);
                        task.Increment(1);
                    });
                });
        }
        else
        {
            RunAll(RunOne);
        }
        if (failures > 0 && files.Count > 1)
            terminal.Say($"genisp: {failures} of {files.Count} files failed, the others are done");
        return failures > 0 ? CommandLine.Failed : CommandLine.Done;
    }

    /// <summary>Creates the output folder.</summary>
    /// <exception cref="GenIspException">It can't be created or written to.</exception>
    public static void Prepare(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            // A folder may exist and yet refuse files: better known before the work than after.
            using (File.Create(Path.Combine(folder, $".genisp-{Environment.ProcessId}"), 1, FileOptions.DeleteOnClose))
            {
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new GenIspException($"The output folder {folder} can't be written to: {e.Message}", e);
        }
    }
}

/// <summary>Where the time goes, by stage.</summary>
internal sealed class StageClock
{
    private readonly OrderedDictionary<string, TimeSpan> _spent = [];
    private readonly Stopwatch _total = Stopwatch.StartNew();

    public T Measure<T>(string stage, Func<T> work)
    {
        var start = Stopwatch.GetTimestamp();
        try
        {
            return work();
        }
        finally
        {
            _spent[stage] = _spent.GetValueOrDefault(stage) + Stopwatch.GetElapsedTime(start);
        }
    }

    public void Measure(string stage, Action work) => Measure(stage, () =>
    {
        work();
        return true;
    });

    public override string ToString() =>
        FormattableString.Invariant($"{_total.Elapsed.TotalSeconds:0.00} s (")
        + string.Join(", ", _spent.Select(pair => FormattableString.Invariant($"{pair.Key} {pair.Value.TotalSeconds:0.00}"))) + ")";
}
