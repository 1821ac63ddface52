namespace GenIsp.Training;

internal static class Prefetch
{
    /// <summary>What <paramref name="load"/> makes of each source, in order; some are made ahead on other threads.</summary>
    public static IEnumerable<TResult> InOrder<TSource, TResult>(IEnumerable<TSource> sources, Func<TSource, TResult> load, int ahead)
    {
        var pending = new Queue<Task<TResult>>();
        foreach (var source in sources)
        {
            pending.Enqueue(Task.Run(() => load(source)));
            if (pending.Count > ahead)
                yield return pending.Dequeue().GetAwaiter().GetResult();
        }
        while (pending.TryDequeue(out var last))
            yield return last.GetAwaiter().GetResult();
    }
}
