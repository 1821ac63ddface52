using System.CommandLine;
using System.CommandLine.Invocation;
using GenIsp.Distributed;
using TorchSharp;

namespace GenIsp.Cli;

/// <summary>
/// What a command does whose work several processes can share, where mpirun or srun started them. The first one speaks for all, but for
/// errors.
/// </summary>
internal sealed class SharedAction(Terminal terminal, Func<ParseResult, Terminal, Communicator, CancellationToken, int> work)
    : AsynchronousCommandLineAction
{
    // An error that all processes have, such as a file that is not there, is told by the first before another gets to speak: mpirun takes
    // a second or two to end them.
    private static readonly TimeSpan FirstToSpeak = TimeSpan.FromSeconds(5);

    /// <summary>Gives libtorch in each process its share of the cores, and tells.</summary>
    public static void ShareCores(Terminal terminal, Communicator world)
    {
        if (world.Size == 1)
            return;
        var threads = world.ThreadsEach();
        if (Environment.GetEnvironmentVariable("OMP_NUM_THREADS") is null)
            torch.set_num_threads(threads);
        terminal.Say($"genisp: {world.Size} processes, this one of {torch.get_num_threads()} threads");
    }

    public override Task<int> InvokeAsync(ParseResult parseResult, CancellationToken cancellationToken) =>
        Task.FromResult(Launch.Current is not { Size: > 1 }
            ? work(parseResult, terminal, Communicator.Alone, cancellationToken)
            : InvokeTogether(parseResult, cancellationToken));

    private int InvokeTogether(ParseResult parsed, CancellationToken cancellation)
    {
        Communicator? world = null;
        try
        {
            world = Communicator.Join();
            var code = work(parsed, world.IsFirst ? terminal : terminal with { IsQuiet = true }, world, cancellation);
            world.Dispose();
            // mpirun ends the others when one fails.
            return world.IsFirst ? code : CommandLine.Done;
        }
        catch (OperationCanceledException) when (world is not null)
        {
            world.Dispose();
            if (!world.IsFirst)
                return CommandLine.Done;
            throw;
        }
        catch (Exception error)
        {
            if (Launch.Current!.Rank > 0 && cancellation.WaitHandle.WaitOne(FirstToSpeak))
                return CommandLine.Failed;
            terminal.Complain($"genisp: {CommandLine.Describe(error)}");
            world?.Abort(CommandLine.Failed);
            return CommandLine.Failed;
        }
    }
}
