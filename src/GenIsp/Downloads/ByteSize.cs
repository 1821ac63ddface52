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
}
