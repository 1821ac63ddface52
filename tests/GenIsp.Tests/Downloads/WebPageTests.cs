using GenIsp.Downloads;

namespace GenIsp.Tests.Downloads;

/// <summary>Pages where a file was expected.</summary>
public sealed class WebPageTests : DownloadTest
{
    [Theory]
    [InlineData("text/html; charset=utf-8", "(\"Sign in & wait\")")]
    [InlineData("application/zip", "gives a web page and no file")]
    public async Task A_web_page_where_a_file_was_promised_is_an_error(string type, string message)
    {
        using var server = new LocalServer(_ => Page("\n<!DOCTYPE html><html><title>Sign in\n &amp; wait</title></html>", type));

        var error = await Fails(server["a"]);

        error.ShouldContain(message);
        error.ShouldContain("Open it in a browser");
        Directory.GetFileSystemEntries(Folder.Root).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_web_page_that_is_wanted_comes()
    {
        using var server = new LocalServer(_ => Page("<html></html>"));

        await Download(new DownloadRequest(server["a"], Folder["page.html"]));

        System.IO.File.ReadAllText(Folder["page.html"]).ShouldBe("<html></html>");
    }

    [Fact]
    public async Task Google_Drives_question_is_answered_and_an_interrupted_download_answers_it_again()
    {
        const string Form = "<html><form id=\"download-form\" action='/download' method=\"get\">"
            + "<input type=\"hidden\" name=\"id\" value=\"F1\"><input name=\"confirm\" type=\"hidden\" value=\"t&amp;1\"/>"
            + "<input type=\"hidden\" value=\"u-9\" name=\"uuid\"><input type=\"submit\"></form><input name=\"other\" value=\"1\"></html>";
        using var server = new LocalServer(question => question.Target.StartsWith("/download?", StringComparison.Ordinal)
            ? Answer.File(question, Content, dropAfter: question.Start == 0 ? 1000 : null)
            : Page(Form));

        await Download(server["uc?id=F1"]);

        System.IO.File.ReadAllBytes(File).ShouldBe(Content);
        server.Questions.Select(question => question.Target).ShouldBe(
            ["/uc?id=F1", "/download?id=F1&confirm=t%261&uuid=u-9", "/uc?id=F1", "/download?id=F1&confirm=t%261&uuid=u-9"]);
    }

    [Theory]
    [InlineData("<form id='download-form' action='/again'><input name='confirm' value='t'></form>")] // It asks for ever.
    [InlineData("<form id='download-form' action='/again'><input name='id' value='t'></form>")]
    [InlineData("<form id='search' action='/again'><input name='confirm' value='t'></form>")]
    [InlineData("<form id='download-form' action='ftp://127.0.0.1/again'><input name='confirm' value='t'></form>")]
    public async Task Other_pages_and_forms_are_errors(string form)
    {
        using var server = new LocalServer(_ => Page($"<html><title>Quota exceeded</title>{form}</html>"));

        (await Fails(server["uc"])).ShouldContain("\"Quota exceeded\"");

        server.Questions.Count.ShouldBeLessThanOrEqualTo(2);
    }

    [Theory]
    [InlineData("https://drive.google.com/file/d/1Ab_c-D/view?usp=sharing", "https://drive.google.com/uc?export=download&id=1Ab_c-D")]
    [InlineData(
        "https://drive.google.com/file/d/1Ab/view?usp=sharing&resourcekey=0-k",
        "https://drive.google.com/uc?export=download&id=1Ab&resourcekey=0-k")]
    [InlineData("https://drive.google.com/open?id=1Ab", "https://drive.google.com/uc?export=download&id=1Ab")]
    [InlineData("https://example.org/file/d/1Ab/view", "https://example.org/file/d/1Ab/view")]
    public void A_link_of_Google_Drive_becomes_the_files_address(string link, string address) =>
        GoogleDrive.FileAddress(new Uri(link)).ToString().ShouldBe(address);

    [Fact]
    public async Task AFolder_of_Google_Drive_is_refused() =>
        (await Fails(new Uri("https://drive.google.com/drive/folders/1Ab"))).ShouldContain("is a folder of Google Drive");
}
