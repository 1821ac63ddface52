using System.CommandLine;
using GenIsp.Downloads;

namespace GenIsp.Cli;

internal static class WeightsDownloadCommand
{
    public static Command Create(Terminal terminal)
    {
        var names = new Argument<string[]>("NAME")
        {
            Description = "Which weights; without a name, all are listed",
            Arity = ArgumentArity.ZeroOrMore,
        };
        names.CompletionSources.Add([.. KnownWeights.All.Select(known => known.Name)]);
        var command = new Command(
            "download",
            "Downloads weights of detectors into the cache, where they are found by their names wherever a file is asked for. A download "
            + "that was interrupted goes on where it stopped; size and SHA-256 are verified.") { names }.WithExamples(
                "genisp weights download",
                "genisp weights download yolox_nano",
                "genisp detect photo.arw --detector yolox_nano -o out");
        command.SetAction(async (parsed, cancellation) =>
        {
            IReadOnlyList<KnownWeights> chosen = [.. parsed.GetValue(names)!.Select(KnownWeights.ByName)];
            if (chosen.Count == 0)
                List(terminal);
            foreach (var known in chosen)
            {
                await Transfer.RunAsync(
                    terminal, DownloadRequest.Of(known), $". Licence {known.Licence}. Use it by --detector {known.Name}", cancellation);
            }
            return CommandLine.Done;
        });
        return command;
    }

    private static void List(Terminal terminal)
    {
        var width = KnownWeights.All.Max(known => known.Name.Length);
        foreach (var known in KnownWeights.All)
        {
            var place = known.IsThere ? known.Path : "not downloaded";
            terminal.Out.WriteLine($"{known.Name.PadRight(width)}  {ByteSize.Text(known.Size),8}  {known.Licence,-12}  {place}");
        }
    }
}
