using System.Text.Json;
using System.Text.Json.Serialization;
using GenIsp.Geometry;

namespace GenIsp.Raw;

/// <summary>What all JSON files that describe a sensor share: an unknown key is an error, and figures are checked the same way.</summary>
internal static class SensorJson
{
    public static JsonSerializerOptions Options { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
    };

    /// <summary>What is wrong and where, without System.Text.Json's own words on path and position.</summary>
    public static string Reason(JsonException e)
    {
        var where = e.LineNumber is long line ? $" (line {line + 1})" : "";
        return $"{where}: {e.Message.Split(" Path: ")[0].TrimEnd('.')}.";
    }

    /// <summary>One number or [r, g1, g2, b] as four finite numbers; null for anything else.</summary>
    public static double[]? Blacks(JsonElement black)
    {
        if (black.ValueKind == JsonValueKind.Number)
            return Number(black) is double one ? [one, one, one, one] : null;
        if (black.ValueKind != JsonValueKind.Array || black.GetArrayLength() != 4)
            return null;
        double?[] values = [.. black.EnumerateArray().Select(Number)];
        return values.All(value => value is not null) ? [.. values.Select(value => value!.Value)] : null;
    }

    /// <summary>The matrix of three rows of three numbers.</summary>
    /// <exception cref="GenIspException">It has another shape, or no inverse.</exception>
    public static Matrix3 Matrix(string path, double[]?[] rows)
    {
        GenIspException Bad(string found, string expected) =>
            new($"{path}: \"xyz_to_camera\" is {found}, but must be {expected}.");
        if (rows.Length != 3 || rows.Any(row => row is not { Length: 3 }))
            throw Bad("of another shape", "3 rows of 3 numbers");
        var matrix = Matrix3.FromRows(rows!);
        return matrix.IsSingular ? throw Bad("zero or singular", "invertible: it maps CIE XYZ to camera RGB") : matrix;
    }

    private static double? Number(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number) ? number : null;
}
