using GenIsp.Detection;

namespace GenIsp.Data;

/// <summary>A class of the annotations and the detector's class that means the same.</summary>
/// <param name="Annotation">In the annotations.</param>
/// <param name="Detector">Of the detector.</param>
/// <param name="ByName">False where only the ids are equal: worth telling, for ids mean little outside COCO.</param>
public readonly record struct CategoryMatch(Category Annotation, Category Detector, bool ByName);

/// <summary>How the classes of the annotations are called by a detector.</summary>
/// <param name="Matches">The classes that both know, in the annotations' order.</param>
/// <param name="Unmapped">The classes of the annotations that the detector does not know.</param>
public sealed record CategoryMap(IReadOnlyList<CategoryMatch> Matches, IReadOnlyList<Category> Unmapped)
{
    /// <summary>
    /// Maps by name, whatever its case; then by id, where the detector's class of that id has no namesake in the annotations. A class of
    /// the detector's is given to the first namesake only.
    /// </summary>
    public static CategoryMap Between(IReadOnlyList<Category> annotations, IReadOnlyList<Category> detector)
    {
        var byName = new Dictionary<string, Category>(StringComparer.OrdinalIgnoreCase);
        var byId = new Dictionary<int, Category>();
        foreach (var category in detector)
        {
            byName.TryAdd(category.Name, category);
            byId.TryAdd(category.Id, category);
        }
        var named = annotations.Select(category => category.Name).ToHashSet(StringComparer.OrdinalIgnoreCase);
        var (matches, unmapped, taken) = (new List<CategoryMatch>(), new List<Category>(), new HashSet<Category>());
        foreach (var category in annotations)
        {
            if (byName.TryGetValue(category.Name, out var namesake) && taken.Add(namesake))
                matches.Add(new CategoryMatch(category, namesake, true));
            else if (namesake == default && byId.TryGetValue(category.Id, out var sameId) && !named.Contains(sameId.Name))
                matches.Add(new CategoryMatch(category, sameId, false));
            else
                unmapped.Add(category);
        }
        return new CategoryMap(matches, unmapped);
    }
}
