using System.Globalization;

namespace GenIsp.Distributed;

/// <summary>What a launcher of processes says of this one in its environment.</summary>
/// <param name="Launcher">What started it, for messages.</param>
/// <param name="Rank">This process's number, from 0.</param>
/// <param name="Size">How many there are.</param>
internal sealed record Launch(string Launcher, int Rank, int Size)
{
    // mpirun may run inside a step of srun, whose own names are then of the outer one.
    private static readonly (string Launcher, string Rank, string Size)[] Names =
    [
        ("mpirun", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
        ("mpiexec", "PMI_RANK", "PMI_SIZE"),
        ("srun", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
    ];

    /// <summary>Of this process; null where no launcher started it.</summary>
    public static Launch? Current { get; } = Read(Environment.GetEnvironmentVariable);

    /// <param name="variable">The value of an environment variable, or null.</param>
    public static Launch? Read(Func<string, string?> variable)
    {
        int? Whole(string name) =>
            int.TryParse(variable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;
        foreach (var (launcher, rank, size) in Names)
        {
            if ((Whole(rank), Whole(size)) is ({ } number, { } count))
                return new Launch(launcher, number, count);
        }
        return null;
    }
}
