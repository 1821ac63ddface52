using System.Net;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;

namespace GenIsp.Reporting;

/// <summary>
/// Writes a <see cref="Report"/> as one HTML file that needs nothing else: style, scripts, data and pictures are in it, and its content
/// security policy forbids every request.
/// </summary>
public static class ReportFile
{
    // In the order in which they need each other.
    private static readonly string[] Scripts = ["page.js", "charts.js", "tables.js", "gallery.js", "report.js"];

    /// <summary>Writes the page.</summary>
    /// <param name="path">Where to; an older file is replaced.</param>
    /// <param name="report">What it shows.</param>
    /// <exception cref="GenIspException">The file can't be written.</exception>
    public static void Write(string path, Report report)
    {
        var page = Encoding.UTF8.GetBytes(ToHtml(report));
        AtomicFile.Write(path, stream => stream.Write(page));
    }

    /// <summary>The page's text.</summary>
    public static string ToHtml(Report report)
    {
        var style = Resource("report.css");
        var script = $"\"use strict\";\n{string.Concat(Scripts.Select(Resource))}";
        // One pass, so that what is put in is not searched again.
        var parts = new Dictionary<string, string>
        {
            ["title"] = WebUtility.HtmlEncode(report.Title),
            ["policy"] = $"default-src 'none'; img-src data:; style-src {Hash(style)}; script-src {Hash(script)}",
            ["style"] = style,
            ["data"] = ReportJson.Of(report),
            ["script"] = script,
        };
        var page = new StringBuilder();
        foreach (var (i, text) in Resource("report.html").Split("{{").Index())
        {
            if (i == 0)
            {
                page.Append(text);
                continue;
            }
            var end = text.IndexOf("}}", StringComparison.Ordinal);
            page.Append(parts[text[..end]]).Append(text.AsSpan(end + 2));
        }
        return page.ToString();
    }

    // The policy allows these scripts and styles only: text that got into the page by mistake would not run.
    private static string Hash(string text) => $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}'";

    private static string Resource(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"GenIsp.Reporting.{name}")!;
        using var text = new StreamReader(stream);
        return text.ReadToEnd();
    }
}
