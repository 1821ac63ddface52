using CsCheck;
using GenIsp.Detection.Frozen;

namespace GenIsp.Tests.Detection.Frozen;

public sealed unsafe class WorkspaceTests
{
    [Fact]
    public void Pieces_never_overlap_and_are_used_again() => Gen.Select(Gen.Int[0, 3_000_000], Gen.Int[0, 9]).Array[1, 60]
        .Sample(
            steps =>
            {
                using var workspace = new Workspace();
                var taken = new List<(long Start, long End)>();
                foreach (var (count, freed) in steps)
                {
                    if (freed < taken.Count)
                    {
                        workspace.Free((float*)(nint)taken[freed].Start);
                        taken.RemoveAt(freed);
                    }
                    long start = (nint)workspace.Take(count);
                    var end = start + (long)count * sizeof(float);
                    (start % 64).ShouldBe(0);
                    taken.ShouldAllBe(other => other.End <= start || end <= other.Start);
                    taken.Add((start, end));
                }
                var largest = steps.Max(step => step.Item1);
                workspace.FreeAll();

                // All that was free lies together again: the largest piece finds room where there was some.
                var first = (nint)workspace.Take(largest);
                workspace.FreeAll();
                ((nint)workspace.Take(largest)).ShouldBe(first);
            },
            iter: 50, threads: 1);

    [Fact]
    public void A_piece_goes_back_once()
    {
        using var workspace = new Workspace();
        var piece = workspace.Take(10);
        workspace.Free(piece);

        Should.Throw<ArgumentException>(() => workspace.Free(piece));
    }
}
