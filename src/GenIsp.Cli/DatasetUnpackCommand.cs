using System.CommandLine;
using GenIsp.Downloads;

namespace GenIsp.Cli;

internal static class DatasetUnpackCommand
{
    public static Command Create(Terminal terminal)
    {
        var archive = new Argument<string>("ARCHIVE") { Description = "A zip, tar or tar.gz" };
        var output = new Option<string>("--output", "-o") { Description = "Folder to unpack into", Required = true, HelpName = "DIR" };
        var command = new Command(
            "unpack",
            "Unpacks an archive. Nothing is written outside the folder, and nothing is overwritten; files that are there already with the "
            + "same content are kept, so an interrupted run can be repeated.") { archive, output }.WithExamples(
                "genisp dataset unpack val2017.zip -o coco");
        command.SetAction((parsed, cancellation) =>
        {
            Run(terminal, parsed.GetValue(archive)!, parsed.GetValue(output)!, cancellation);
            return Task.FromResult(CommandLine.Done);
        });
        return command;
    }

    private static void Run(Terminal terminal, string archive, string folder, CancellationToken cancellation)
    {
        UnpackResult result;
        using (var line = new TransferLine(terminal, Path.GetFileName(archive)))
            result = Unpacker.Unpack(archive, folder, new Display(line), cancellation);
        var kept = result.Kept > 0 ? $", {result.Kept} were there already" : "";
        terminal.Say($"{folder}: {result.Written} files unpacked{kept}, {ByteSize.Text(result.Bytes)}");
        if (result.LeftOut.Count > 0)
            terminal.Say($"genisp: {result.LeftOut.Count} links or devices are left out, such as {result.LeftOut[0]}");
    }

    private sealed class Display(TransferLine line) : IProgress<(long Done, long Total)>
    {
        public void Report((long Done, long Total) value) => line.Show(value.Done, value.Total);
    }
}
