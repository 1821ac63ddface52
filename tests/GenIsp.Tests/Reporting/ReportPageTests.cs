using Microsoft.Playwright;

namespace GenIsp.Tests.Reporting;

/// <summary>The page in a real browser, as who opens it sees it.</summary>
public sealed class ReportPageTests(Browser browser) : IClassFixture<Browser>
{
    [Theory]
    [InlineData(1200, ColorScheme.Light)]
    [InlineData(380, ColorScheme.Dark)]
    public async Task Opens_without_a_complaint_or_a_request_and_fits_the_window(int width, ColorScheme scheme)
    {
        await using var sight = await browser.Show(SampleReport.Create(), width, scheme);

        (await sight.Page.TitleAsync()).ShouldBe("Night of person · GenIsp");
        (await sight.Ask<int>("document.querySelectorAll('.chart path.line').length")).ShouldBe(3 + 3 + 1 + 2);
        (await sight.Ask<int>("document.documentElement.scrollWidth")).ShouldBeLessThanOrEqualTo(width);
        // Pictures are decoded, not just there.
        (await sight.Ask<int>("(image => image.decode().then(() => image.naturalWidth))(document.querySelector('.layer img'))"))
            .ShouldBe(SampleReport.Width);
        sight.Complaints.ShouldBeEmpty();
        sight.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task Is_light_or_dark_as_the_reader_wants()
    {
        await using var light = await browser.Show(SampleReport.Create());
        await using var dark = await browser.Show(SampleReport.Create(), scheme: ColorScheme.Dark);

        const string Paper = "parseInt(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])";
        (await light.Ask<int>(Paper)).ShouldBeGreaterThan(200);
        (await dark.Ask<int>(Paper)).ShouldBeLessThan(50);
    }

    [Fact]
    public async Task The_best_of_each_column_is_marked()
    {
        await using var sight = await browser.Show(SampleReport.Create());

        var best = await sight.Page.Locator("tr:has(th:text-is('bright')) td.best").AllTextContentsAsync();
        // AP, AP50, AP75, APs, AR1, AR10, AR100: there is nothing of medium or large size, so nothing is best there.
        best.Count.ShouldBe(7);
        (await sight.Page.Locator("tr:has(th:text-is('dim')) td.best").AllTextContentsAsync()).Count.ShouldBe(1, "AR1 is the same");
    }

    [Fact]
    public async Task The_divider_shows_more_of_one_and_less_of_the_other()
    {
        await using var sight = await browser.Show(SampleReport.Create());
        var stage = sight.Page.Locator(".stage");
        await stage.ScrollIntoViewIfNeededAsync();
        var box = (await stage.BoundingBoxAsync())!;
        async Task<double[]> Cuts() => await sight.Ask<double[]>(
            "[...document.querySelectorAll('.layer')].map((layer, i) => parseFloat(layer.style.clipPath.match(/[\\d.]+%/)[0]))");

        await sight.Page.Mouse.ClickAsync(box.X + box.Width / 4, box.Y + box.Height / 2);
        var quarter = await Cuts();
        await sight.Page.Mouse.MoveAsync(box.X + box.Width / 4, box.Y + box.Height / 2);
        await sight.Page.Mouse.DownAsync();
        await sight.Page.Mouse.MoveAsync(box.X + box.Width * 3 / 4, box.Y + box.Height / 2);
        await sight.Page.Mouse.UpAsync();
        var dragged = await Cuts();
        await sight.Page.Keyboard.PressAsync("Home");

        quarter.ShouldBe([75, 25], 1);
        dragged.ShouldBe([25, 75], 1);
        (await Cuts()).ShouldBe([100, 0]);
        sight.Complaints.ShouldBeEmpty();
    }

    [Fact]
    public async Task It_opens_on_the_last_ISP_and_the_best_of_the_others_where_most_is_right_and_least_wrong()
    {
        await using var sight = await browser.Show(SampleReport.Create());

        (await sight.Page.Locator(".badge").AllTextContentsAsync()).ShouldBe(["dim", "bright"]);
        // Above what is wrong with 0.4, and not above what is right with 0.6.
        (await sight.Page.Locator(".threshold").InputValueAsync()).ShouldBe("0.45");
        (await sight.Ask<int[]>("""
            (() => {
              const rival = (isp, ap) => ({ isp, detector: "eye", figures: [{ metrics: [["AP", ap]] }] });
              return firstSides([rival("linear", 0.1), rival("classical", 0.3), rival("dim", 0.2), rival("genisp", 0.25)]);
            })()
            """)).ShouldBe([1, 3]);
    }

    [Fact]
    public async Task The_threshold_hides_what_scores_below_it_and_counts_anew()
    {
        await using var sight = await browser.Show(SampleReport.Create());
        async Task<string[]> At(string threshold)
        {
            await sight.Page.Locator(".threshold").FillAsync(threshold);
            return [.. await sight.Page.Locator(".count").AllTextContentsAsync()];
        }
        Task<int> Boxes(string kind) => sight.Page.Locator($".box.{kind}").CountAsync();

        await sight.Page.Locator(".thumbnail[title='2.png']").ClickAsync();
        // There "dim" is unsure.
        (await At("0.1")).ShouldBe(["dim finds 1 of 2, nothing wrong", "bright finds 2 of 2, 1 wrong"]);
        (await Boxes("right"), await Boxes("wrong"), await Boxes("truth")).ShouldBe((3, 1, 4));
        (await At("0.5")).ShouldBe(["dim finds 0 of 2, nothing wrong", "bright finds 2 of 2, nothing wrong"]);
        (await Boxes("right"), await Boxes("wrong"), await Boxes("truth")).ShouldBe((2, 0, 4));
        (await At("0.95")).ShouldBe(["dim finds 0 of 2, nothing wrong", "bright finds 0 of 2, nothing wrong"]);

        await sight.Page.Locator(".toggle input").First.UncheckAsync();
        (await Boxes("truth")).ShouldBe(0);
    }

    [Fact]
    public async Task Another_image_and_another_side_can_be_chosen()
    {
        await using var sight = await browser.Show(SampleReport.Create());

        await sight.Page.Locator(".thumbnail[title='3.png']").ClickAsync();
        await sight.Page.Locator(".gallery select").Nth(1).SelectOptionAsync("dim");

        (await sight.Page.Locator(".caption").TextContentAsync())!.ShouldStartWith("3.png, ");
        (await sight.Page.Locator(".badge.left").TextContentAsync()).ShouldBe("dim");
        (await sight.Page.Locator(".badge.right").IsVisibleAsync()).ShouldBeFalse("there is nothing to compare");
        (await sight.Page.Locator(".count").First.TextContentAsync()).ShouldBe("dim finds 1 of 2, nothing wrong");
    }

    [Fact]
    public async Task Boxes_lie_where_they_were_drawn()
    {
        await using var sight = await browser.Show(SampleReport.Create());

        var place = await sight.Ask<double[]>("""
            (() => {
              const stage = document.querySelector('.stage').getBoundingClientRect();
              const box = document.querySelector('.box.truth').getBoundingClientRect();
              const { width, height } = stage;
              return [(box.x - stage.x) / width, (box.y - stage.y) / height, box.width / width, box.height / height];
            })()
            """);

        place.ShouldBe([6.0 / 60, 4.0 / 40, 12.0 / 60, 20.0 / 40], 0.005);
    }

    [Fact]
    public async Task Names_cannot_become_markup_or_script()
    {
        const string Hostile = "</script><script>alert(1)</script><img src=x onerror=alert(2)> {{data}} \"'&";
        await using var sight = await browser.Show(SampleReport.Create(Hostile, Hostile));

        (await sight.Page.Locator("h1").TextContentAsync()).ShouldBe($"Night of {Hostile}");
        (await sight.Page.TitleAsync()).ShouldBe($"Night of {Hostile} · GenIsp");
        (await sight.Page.Locator(".classes th[scope=row]").TextContentAsync()).ShouldBe(Hostile);
        (await sight.Ask<int>("document.scripts.length")).ShouldBe(2);
        sight.Complaints.ShouldBeEmpty();
        sight.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_series_of_a_chart_can_be_hidden()
    {
        await using var sight = await browser.Show(SampleReport.Create());
        var lines = sight.Page.Locator(".chart").First.Locator("path.line");

        await sight.Page.Locator(".legend button", new PageLocatorOptions { HasText = "boxes" }).ClickAsync();

        (await lines.CountAsync()).ShouldBe(2);
    }
}
