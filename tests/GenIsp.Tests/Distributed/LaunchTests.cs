using GenIsp.Distributed;

namespace GenIsp.Tests.Distributed;

public sealed class LaunchTests
{
    [Theory]
    [InlineData("mpirun 1/4", "OMPI_COMM_WORLD_RANK=1", "OMPI_COMM_WORLD_SIZE=4")]
    [InlineData("mpiexec 0/3", "PMI_RANK=0", "PMI_SIZE=3")]
    [InlineData("srun 7/8", "SLURM_PROCID=7", "SLURM_STEP_NUM_TASKS=8")]
    [InlineData("mpirun 1/2", "SLURM_PROCID=0", "SLURM_STEP_NUM_TASKS=5", "OMPI_COMM_WORLD_RANK=1", "OMPI_COMM_WORLD_SIZE=2")]
    [InlineData(null)]
    [InlineData("mpirun 0/1", "OMPI_COMM_WORLD_RANK=0", "OMPI_COMM_WORLD_SIZE=1")]
    [InlineData(null, "SLURM_PROCID=0")]
    [InlineData(null, "PMI_RANK=first", "PMI_SIZE=2")]
    public void The_launcher_is_told_by_its_variables(string? expected, params string[] variables)
    {
        var values = variables.Select(pair => pair.Split('=')).ToDictionary(pair => pair[0], pair => pair[1]);

        var launch = Launch.Read(values.GetValueOrDefault);

        (launch is null ? null : $"{launch.Launcher} {launch.Rank}/{launch.Size}").ShouldBe(expected);
    }
}
