using System.Text.RegularExpressions;
using GenIsp.Detection.OnnxGraph.Proto;

namespace GenIsp.Detection;

/// <summary>The classes of an ONNX detector, which knows their number and at best their names.</summary>
internal static partial class CategoryNames
{
    private const int CocoClasses = 80;

    /// <summary>
    /// COCO's for 80 classes; otherwise those that the metadata entry "names" lists, if it lists as many, or numbers; ids from 1.
    /// </summary>
    public static IReadOnlyList<Category> Of(ModelProto model, int count)
    {
        if (count == CocoClasses)
            return CocoCategories.All;
        var entry = model.MetadataProps.FirstOrDefault(entry => entry.Key == "names")?.Value ?? "";
        string[] quoted = [.. Quoted().Matches(entry).Select(match => match.Groups[1].Value + match.Groups[2].Value)];
        const StringSplitOptions Clean = StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries;
        var names = quoted.Length > 0 ? quoted : entry.Split([',', '\n'], Clean);
        return [.. Enumerable.Range(0, count).Select(i => new Category(i + 1, names.Length == count ? names[i] : $"class {i}"))];
    }

    // The names in a Python dictionary {0: 'person', …} or a JSON list ["person", …].
    [GeneratedRegex(@"'([^']*)'|""([^""]*)""")]
    private static partial Regex Quoted();
}
