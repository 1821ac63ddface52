[assembly: AssemblyFixture(typeof(GenIsp.Tests.OwnCache))]

namespace GenIsp.Tests;

/// <summary>The tests' own folder for caches, so that commands leave the user's alone.</summary>
public sealed class OwnCache : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public OwnCache() => Environment.SetEnvironmentVariable("XDG_CACHE_HOME", _folder.Root);

    public void Dispose() => _folder.Dispose();
}
