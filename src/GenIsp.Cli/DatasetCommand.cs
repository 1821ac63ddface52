using System.CommandLine;

namespace GenIsp.Cli;

internal static class DatasetCommand
{
    public static Command Create(Terminal terminal) => new("dataset", "Makes data sets, and looks into them.")
    {
        DatasetCheckCommand.Create(terminal),
        DatasetSimulateCommand.Create(terminal),
        DatasetDownloadCommand.Create(terminal),
        DatasetUnpackCommand.Create(terminal),
    };
}
