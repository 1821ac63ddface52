using System.Globalization;

namespace GenIsp.Data;

/// <summary>
/// What two splits have in common. A frame taken a moment after another shows nearly the same: a model that was trained on one has
/// all but seen the other.
/// </summary>
/// <param name="Shared">Stems that are in both.</param>
/// <param name="Adjacent">
/// Images of the second whose number is one more or less than that of an image of the first; COCO's own numbers tell of no order.
/// </param>
public sealed record SplitOverlap(IReadOnlyList<string> Shared, int Adjacent)
{
    // COCO numbers its photos like 000000000139, in no order: neighbours have nothing in common.
    private const int DigitsOfCoco = 12;

    /// <summary>Compares two splits by their files' stems.</summary>
    public static SplitOverlap Between(IEnumerable<CocoImage> first, IEnumerable<CocoImage> second)
    {
        var stems = first.Select(image => image.Stem).ToHashSet(StringComparer.Ordinal);
        var numbers = stems.Select(Numbered).OfType<(string, long)>().ToHashSet();
        var others = second.Select(image => image.Stem).Distinct(StringComparer.Ordinal).ToList();
        return new SplitOverlap(
            [.. others.Where(stems.Contains).Order(StringComparer.Ordinal)],
            others.Count(stem => Numbered(stem) is var (prefix, number)
                && (numbers.Contains((prefix, number - 1)) || numbers.Contains((prefix, number + 1)))));
    }

    // DSC_0674 is (DSC_, 674).
    private static (string Prefix, long Number)? Numbered(string stem)
    {
        var prefix = stem.TrimEnd("0123456789".ToCharArray());
        if (prefix.Length == 0 && stem.Length == DigitsOfCoco)
            return null;
        return long.TryParse(stem.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number < long.MaxValue ? (prefix, number) : null;
    }
}
