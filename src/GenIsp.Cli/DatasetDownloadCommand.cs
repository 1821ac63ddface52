using System.CommandLine;
using GenIsp.Downloads;

namespace GenIsp.Cli;

internal static class DatasetDownloadCommand
{
    public static Command Create(Terminal terminal)
    {
        var address = new Argument<Uri>("URL")
        {
            Description = "Its address: http or https; a link of Google Drive will do",
            CustomParser = result =>
            {
                var text = result.Tokens[0].Value;
                if (Uri.TryCreate(text, UriKind.Absolute, out var found) && found.Scheme is "http" or "https")
                    return found;
                result.AddError($"'{text}' is no address that begins with http:// or https://.");
                return null;
            },
        };
        var output = new Option<string>("--output", "-o") { Description = "The file to write", Required = true, HelpName = "FILE" };
        var sha256 = new Option<string?>("--sha256") { Description = "SHA-256 that the file must have, if you know it", HelpName = "DIGITS" };
        sha256.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is { } digits && (digits.Length != 64 || !digits.All(char.IsAsciiHexDigit)))
                result.AddError($"--sha256 is '{digits}', but must be 64 hexadecimal digits.");
        });
        var command = new Command(
            "download",
            "Downloads a large file. Breaks are retried, and after an interruption the same command goes on where the last one stopped: "
            + "until all is there, the file is called FILE.part.") { address, output, sha256 }.WithExamples(
                "genisp dataset download http://images.cocodataset.org/zips/val2017.zip -o val2017.zip",
                "genisp dataset download 'https://drive.google.com/file/d/ID/view?usp=sharing' -o raw.zip");
        command.SetAction(async (parsed, cancellation) =>
        {
            var request = new DownloadRequest(parsed.GetValue(address)!, parsed.GetValue(output)!) { Sha256 = parsed.GetValue(sha256) };
            await Transfer.RunAsync(terminal, request, "", cancellation);
            return CommandLine.Done;
        });
        return command;
    }
}
