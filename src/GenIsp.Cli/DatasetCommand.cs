using System.CommandLine;

namespace GenIsp.Cli;

internal static class DatasetCommand
{
    public static Command Create(Terminal terminal) => new("dataset", "Looks into data sets.")
    {
        DatasetCheckCommand.Create(terminal),
    };
}
