using System.Text.RegularExpressions;
using GenIsp.Reporting;

namespace GenIsp.Tests.Reporting;

public sealed partial class ReportFileTests
{
    [Fact]
    public void The_page_needs_nothing_else_and_forbids_it()
    {
        var page = ReportFile.ToHtml(SampleReport.Create());

        page.ShouldContain("default-src 'none'; img-src data:;");
        // The only address is the name of SVG's namespace.
        Address().Matches(page).Select(match => match.Value).Distinct().ShouldBe(["http://www.w3.org/2000/svg"]);
    }

    [Fact]
    public void A_long_run_has_as_many_points_as_a_chart_can_show()
    {
        TrainingStep Step(int i) => new(i, 1e-3, i % 2, null, null, null, null);
        var report = new Report { Title = "long", Training = new TrainingCurves([.. Enumerable.Range(1, 100_000).Select(Step)], []) };

        var page = ReportFile.ToHtml(report);

        page.ShouldContain("\"steps\":[[67,0.001,0.507463,null,null,null,null],[134,0.001,0.492537,");
        page.ShouldContain(",[100000,0.001,");
        page.Length.ShouldBeLessThan(200_000);
    }

    [Fact]
    public void Numbers_that_are_none_are_null()
    {
        var step = new TrainingStep(1, double.NaN, double.PositiveInfinity, 1, 1, 1, 1);
        var report = new Report { Title = "odd", Training = new TrainingCurves([step], []) };

        ReportFile.ToHtml(report).ShouldContain("[[1,null,null,1,1,1,1]]");
    }

    [GeneratedRegex(@"\w+://[^""'\s<>)]+")]
    private static partial Regex Address();
}
