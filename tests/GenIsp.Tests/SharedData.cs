namespace GenIsp.Tests;

/// <summary>
/// The real files that lie beside the project, in <c>../shared/data</c> (or where GENISP_SHARED_DATA says). They are not part of it: a
/// test that needs one that is absent is skipped, and says so.
/// </summary>
internal static class SharedData
{
    public static string Path(string relative)
    {
        var path = System.IO.Path.Combine(Root, relative);
        if (!File.Exists(path) && !Directory.Exists(path))
            Assert.Skip($"shared/data/{relative} is absent beside the project.");
        return path;
    }

    private static string Root { get; } =
        Environment.GetEnvironmentVariable("GENISP_SHARED_DATA") ?? System.IO.Path.Combine(Repository.Root, "..", "shared", "data");
}
