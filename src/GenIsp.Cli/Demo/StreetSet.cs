using System.Globalization;
using System.Text.Json;
using GenIsp.Data;
using GenIsp.Detection;
using GenIsp.Imaging;
using SkiaSharp;

namespace GenIsp.Cli.Demo;

/// <summary>Drawn streets as a COCO data set: a folder with <c>images/*.png</c> and <c>annotations.json</c>.</summary>
/// <param name="Folder">Where it lies.</param>
/// <param name="Name">Of the split; the same seed, name and number show the same street.</param>
/// <param name="Count">Of the streets.</param>
/// <param name="Seed">Of all.</param>
internal sealed record StreetSet(string Folder, string Name, int Count, long Seed)
{
    /// <summary>With ids from 1, as the detector's file gives them.</summary>
    public static IReadOnlyList<Category> Categories { get; } = [.. StreetScene.Classes.Select((name, i) => new Category(i + 1, name))];

    public string Images => Path.Combine(Folder, "images");

    public string Annotations => Path.Combine(Folder, "annotations.json");

    /// <summary>One of its streets.</summary>
    /// <param name="number">From 0.</param>
    public StreetScene Draw(int number) => StreetScene.Draw(Seeds.Derive(Seed, Name, number.ToString(CultureInfo.InvariantCulture)));

    /// <summary>Draws all, and writes them unless they are there.</summary>
    /// <exception cref="GenIspException">The folder holds other streets, or can't be written to.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public void Write(Terminal terminal, CancellationToken cancellation)
    {
        OutputFolder.Prepare(Images, [], []);
        var objects = new IReadOnlyList<StreetObject>[Count];
        ProgressBar.Run(terminal, Count, bar => Parallel.For(0, Count, new ParallelOptions { CancellationToken = cancellation }, i =>
        {
            using var scene = Draw(i);
            objects[i] = scene.Objects;
            var path = Path.Combine(Images, FileName(i));
            if (!File.Exists(path))
                PictureFile.Write(path, scene.Picture, SKEncodedImageFormat.Png, 100);
            bar.Advance();
        }));
        // Last: where it is, the set is whole.
        var document = Document(objects);
        if (!File.Exists(Annotations))
            Json.Write(Annotations, document);
        else if (!File.ReadAllBytes(Annotations).AsSpan().SequenceEqual(JsonSerializer.SerializeToUtf8Bytes(document, Json.Options)))
            throw new GenIspException($"{Folder} holds other streets. Choose another folder with -o.");
    }

    private string FileName(int number) => $"{Name}-{number:0000}.png";

    private object Document(IReadOnlyList<StreetObject>[] objects) => new
    {
        Images = objects.Select((_, i) => new { Id = i + 1, FileName = FileName(i), StreetScene.Width, StreetScene.Height }),
        Annotations = objects.SelectMany((ofScene, i) => ofScene.Select(thing => (Image: i + 1, Thing: thing))).Select((pair, i) => new
        {
            Id = i + 1,
            ImageId = pair.Image,
            CategoryId = Categories[pair.Thing.Class].Id,
            Bbox = new[] { pair.Thing.Box.X1, pair.Thing.Box.Y1, pair.Thing.Box.Width, pair.Thing.Box.Height },
            pair.Thing.Box.Area,
            Iscrowd = 0,
        }),
        Categories,
    };
}
