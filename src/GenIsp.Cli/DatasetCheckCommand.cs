using System.CommandLine;
using GenIsp.Color;
using GenIsp.Data;
using GenIsp.Imaging;
using GenIsp.Isp;
using GenIsp.Raw;

namespace GenIsp.Cli;

internal static class DatasetCheckCommand
{
    private const int Prints = 12;
    private const int Columns = 4;

    public static Command Create(Terminal terminal)
    {
        var annotations = new Option<string[]>("--annotations")
        {
            Description = "COCO annotation files, one a split",
            Required = true,
            AllowMultipleArgumentsPerToken = true,
            HelpName = "FILE",
        };
        var images = new Option<string[]>("--images")
        {
            Description = "Folders with the RAW files, mosaics or photos",
            AllowMultipleArgumentsPerToken = true,
            HelpName = "DIR",
        };
        var sheet = new Option<string?>("--contact-sheet")
        {
            Description = "PNG of some images with their boxes, to see whether they fit",
            HelpName = "FILE.png",
        };
        var json = new Option<bool>("--json") { Description = "Print one JSON document" };
        var command = new Command(
            "check",
            "Counts what a data set holds and looks for what is wrong with it: missing files, boxes that enclose nothing or lie outside, "
            + "splits that share images or have neighbouring frames.") { annotations, images, sheet, json }.WithExamples(
            "genisp dataset check --annotations train.json --annotations test.json",
            "genisp dataset check --annotations test.json --images photos/ --contact-sheet sheet.png");
        command.Validators.Add(result =>
        {
            if (result.GetValue(sheet) is not null && result.GetValue(images) is not { Length: > 0 })
                result.AddError("--contact-sheet needs --images.");
        });
        command.SetAction((parsed, cancellation) =>
        {
            CocoDataset[] splits = [.. parsed.GetValue(annotations)!.Select(CocoDataset.Read)];
            var folder = parsed.GetValue(images) is { Length: > 0 } folders ? new ImageFolder(folders) : null;
            var report = DatasetReport.Of(splits, folder);
            if (parsed.GetValue(json))
                Json.Print(terminal, report);
            else
                DatasetTable.Print(terminal, report);
            var code = parsed.GetValue(sheet) is { } path ? WriteSheet(terminal, path, splits, folder!, cancellation) : CommandLine.Done;
            return Task.FromResult(code);
        });
        return command;
    }

    // Images spread evenly over all splits; a file that can't be read is named and left out.
    private static int WriteSheet(
        Terminal terminal, string path, IReadOnlyList<CocoDataset> splits, ImageFolder folder, CancellationToken cancellation)
    {
        var candidates = splits
            .SelectMany(split => split.Images.Select(image => (Split: split, Image: image, File: folder.Find(image))))
            .Where(candidate => candidate.File is not null && candidate.Split.AnnotationsOf(candidate.Image).Any())
            // Splits may share images.
            .DistinctBy(candidate => candidate.File).ToList();
        if (candidates.Count == 0)
        {
            throw new GenIspException(
                "No file of the folders belongs to an image with boxes: there is nothing to draw. Compare the names.");
        }
        var count = Math.Min(Prints, candidates.Count);
        var chosen = Enumerable.Range(0, count).Select(i => candidates[(2 * i + 1) * candidates.Count / (2 * count)])
            .ToDictionary(candidate => candidate.File!);
        var prints = new List<ContactPrint>();
        using var isp = new ClassicalIsp();
        var code = Batch.Run(
            terminal, [.. chosen.Keys.Select(file => new InputFile(file, Path.GetFileNameWithoutExtension(file)))],
            file => prints.Add(Print(isp, file, chosen[file.Path].Split, chosen[file.Path].Image)), cancellation);
        if (prints.Count > 0)
            ContactSheet.WritePng(path, prints, Columns);
        return code;
    }

    private static ContactPrint Print(ClassicalIsp isp, InputFile file, CocoDataset split, CocoImage image)
    {
        var (picture, frame) = Develop(isp, file.Path, image);
        var names = split.Categories.Select((category, index) => (category, index)).ToDictionary(pair => pair.category.Id);
        return new ContactPrint(
            picture,
            [
                .. split.AnnotationsOf(image).Select(annotation => new LabelledBox(
                    picture.Frame.FromSource(frame.ToPicture(annotation.Box.ToBox())),
                    names[annotation.CategoryId].category.Name, names[annotation.CategoryId].index)),
            ],
            file.OutputStem);
    }

    private static (RgbImage Picture, AnnotationFrame Frame) Develop(ClassicalIsp isp, string path, CocoImage image)
    {
        if (PictureFile.IsPhoto(path) && !RawReader.IsMosaic(path))
        {
            var photo = PictureFile.Read(path);
            return (photo, AnnotationFrame.In(photo, path, image));
        }
        var sensor = RawReader.Read(path);
        var frame = AnnotationFrame.In(sensor, image);
        var size = new SizeLimit(ContactSheet.CellWidth, ContactSheet.CellHeight);
        return (isp.Develop(LinearPipeline.ToLinear(sensor, new LinearOptions { Crop = frame.Crop, MaxSize = size })), frame);
    }
}
