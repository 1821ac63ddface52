using System.Collections.Concurrent;
using GenIsp.Distributed;

namespace GenIsp.Cli;

/// <summary>Does the same to many files: a bar with the time left, and a bad file spoils nothing but itself.</summary>
internal static class Batch
{
    /// <summary>
    /// Runs <paramref name="work"/> on each file, on so many at a time; errors are reported and counted. A cancelled run ends after the
    /// files in work. Several processes share the files.
    /// </summary>
    /// <returns>The exit code: done, failed if any file was, or cancelled.</returns>
    public static int Run(
        Terminal terminal, IReadOnlyList<InputFile> files, Action<InputFile> work, CancellationToken cancellation, int workers = 1,
        Communicator? world = null)
    {
        world ??= Communicator.Alone;
        InputFile[] share = [.. world.Share(files)];
        var (failures, finished) = (0, 0);
        void RunOne(InputFile file)
        {
            if (cancellation.IsCancellationRequested)
                return;
            try
            {
                work(file);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                Interlocked.Increment(ref failures);
                terminal.Complain($"genisp: {CommandLine.Describe(e, file.Path)}");
            }
            Interlocked.Increment(ref finished);
        }
        void RunAll(Action<InputFile> one)
        {
            if (workers == 1)
            {
                foreach (var file in share)
                    one(file);
                return;
            }
            var options = new ParallelOptions { MaxDegreeOfParallelism = workers };
            Parallel.ForEach(Partitioner.Create(share, EnumerablePartitionerOptions.NoBuffering), options, one);
        }
        using var notice = cancellation.Register(() => terminal.Say("genisp: cancelling after the files in work"));
        ProgressBar.Run(terminal, share.Length, bar => RunAll(file =>
        {
            bar.Show(file.Path);
            RunOne(file);
            bar.Advance();
        }));
        (finished, failures) = (world.Gather(finished).Sum(), world.Gather(failures).Sum());
        if (finished < files.Count)
        {
            terminal.Say($"genisp: cancelled, {finished} of {files.Count} files are done");
            return CommandLine.Cancelled;
        }
        if (failures > 0 && files.Count > 1)
        {
            terminal.Say(failures == files.Count
                ? $"genisp: all {files.Count} files failed"
                : $"genisp: {failures} of {files.Count} files failed, the others are done");
        }
        return failures > 0 ? CommandLine.Failed : CommandLine.Done;
    }
}
