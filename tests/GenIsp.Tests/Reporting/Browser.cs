using GenIsp.Reporting;
using Microsoft.Playwright;

namespace GenIsp.Tests.Reporting;

/// <summary>A headless Chromium for the tests of a class.</summary>
public sealed class Browser : IAsyncLifetime
{
    private static readonly string[] Places = ["/usr/bin/chromium", "/usr/bin/google-chrome"];

    private readonly TemporaryFolder _folder = new();
    private IPlaywright? _playwright;
    private IBrowser? _chromium;

    public async ValueTask InitializeAsync()
    {
        if (Places.FirstOrDefault(File.Exists) is not { } program)
            return;
        _playwright = await Playwright.CreateAsync();
        _chromium = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = program,
            // CI runs as root, and has no network that the browser's own services could look for.
            Args = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"],
        });
    }

    /// <summary>The report in a page of its own, which fails the test on errors and requests: see <see cref="Sight"/>.</summary>
    internal async Task<Sight> Show(Report report, int width = 1200, ColorScheme scheme = ColorScheme.Light)
    {
        if (_chromium is null)
            Assert.Skip($"No Chromium to look at the page with: none of {string.Join(", ", Places)} is there (apt-get install chromium).");
        var path = _folder[$"{Guid.NewGuid():N}.html"];
        ReportFile.Write(path, report);
        var page = await _chromium.NewPageAsync(new BrowserNewPageOptions
        {
            ViewportSize = new ViewportSize { Width = width, Height = 900 },
            ColorScheme = scheme,
        });
        return await Sight.Of(page, new Uri(path).AbsoluteUri);
    }

    public async ValueTask DisposeAsync()
    {
        if (_chromium is not null)
            await _chromium.DisposeAsync();
        _playwright?.Dispose();
        _folder.Dispose();
    }
}

/// <summary>A page that is being looked at, and what it said and asked for.</summary>
internal sealed class Sight : IAsyncDisposable
{
    private Sight(IPage page) => Page = page;

    public IPage Page { get; }

    /// <summary>Warnings and errors of the console, exceptions that nobody caught, and dialogs.</summary>
    public List<string> Complaints { get; } = [];

    /// <summary>Addresses asked for, but for the page's own and data in it.</summary>
    public List<string> Requests { get; } = [];

    public static async Task<Sight> Of(IPage page, string address)
    {
        var sight = new Sight(page);
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
                sight.Complaints.Add(message.Text);
        };
        page.PageError += (_, error) => sight.Complaints.Add(error);
        page.Dialog += (_, dialog) =>
        {
            sight.Complaints.Add($"dialog {dialog.Message}");
            _ = dialog.DismissAsync();
        };
        page.Request += (_, request) =>
        {
            if (request.Url != address && !request.Url.StartsWith("data:", StringComparison.Ordinal))
                sight.Requests.Add(request.Url);
        };
        await page.GotoAsync(address);
        return sight;
    }

    /// <summary>A JavaScript expression's value.</summary>
    public Task<T> Ask<T>(string expression) => Page.EvaluateAsync<T>(expression);

    public async ValueTask DisposeAsync() => await Page.CloseAsync();
}
