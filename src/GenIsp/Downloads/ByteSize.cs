using System.Globalization;

namespace GenIsp.Downloads;

/// <summary>Numbers of bytes for people.</summary>
internal static class ByteSize
{
    private static readonly string[] Units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];

    /// <summary>Such as <c>3.7 MB</c>, in powers of 1000 as disks and browsers count.</summary>
    public static string Text(double bytes)
    {
        var unit = 0;
        for (; Math.Round(bytes, 1) >= 1000 && unit < Units.Length - 1; unit++)
            bytes /= 1000;
        return $"{bytes.ToString(unit == 0 ? "0" : "0.0", CultureInfo.InvariantCulture)} {Units[unit]}";
    }

    /// <summary>Reads such texts, also without the space and in other cases; without a unit, the number is of bytes.</summary>
    public static bool TryParse(string text, out long bytes)
    {
        var digits = text.TrimEnd([.. "BKMGTPEbkmgtpe"]);
        var unit = Array.FindIndex(Units, known => known.Equals(text[digits.Length..], StringComparison.OrdinalIgnoreCase));
        var size = double.TryParse(
            digits, NumberStyles.AllowDecimalPoint | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var number)
            ? number * Math.Pow(1000, Math.Max(unit, 0))
            : double.NaN;
        var isSize = (unit >= 0 || digits.Length == text.Length) && size < long.MaxValue;
        bytes = isSize ? (long)size : 0;
        return isSize;
    }
}
