using System.Globalization;
using System.Text.Json;
using GenIsp.Detection;

namespace GenIsp.Data;

/// <summary>Reads COCO annotation files.</summary>
internal static class CocoReader
{
    public static CocoDataset Read(string path) => CocoJsonReader.Parse(path, (ref CocoJsonReader json) => ReadRoot(path, ref json));

    private static CocoDataset ReadRoot(string path, ref CocoJsonReader json)
    {
        List<CocoImage>? images = null;
        List<CocoAnnotation>? annotations = null;
        List<Category>? categories = null;
        var numbered = true;
        if (json.Kind != JsonTokenType.StartObject)
        {
            throw new GenIspException(
                $"{path} is no COCO annotation file: it must be an object with the keys images, annotations and categories.");
        }
        while (json.NextKey())
        {
            switch (json.Key)
            {
                case "images":
                    (images, numbered) = ReadImages(ref json);
                    break;
                case "annotations":
                    annotations = ReadAnnotations(ref json);
                    break;
                case "categories":
                    categories = ReadCategories(ref json);
                    break;
                default:
                    json.Skip();
                    break;
            }
        }
        if ((images is null ? "images" : annotations is null ? "annotations" : categories is null ? "categories" : null) is string missing)
            throw new GenIspException($"{path} is no COCO annotation file: it lacks the key \"{missing}\".");
        // The order in which pycocotools goes through them, so that equal scores fall out the same.
        var ordered = numbered
            ? images!.OrderBy(image => long.Parse(image.Id, CultureInfo.InvariantCulture))
            : images!.OrderBy(image => image.Id, StringComparer.Ordinal);
        return new CocoDataset(path, [.. ordered], annotations!, categories!);
    }

    private static (List<CocoImage> Images, bool Numbered) ReadImages(ref CocoJsonReader json)
    {
        var images = new List<CocoImage>();
        var numbered = true;
        json.EnterList("images");
        while (json.NextObject())
        {
            string? id = null, fileName = null;
            int? width = null, height = null;
            while (json.NextKey())
            {
                switch (json.Key)
                {
                    case "id":
                        numbered &= json.Kind == JsonTokenType.Number;
                        id = json.Id();
                        break;
                    case "file_name":
                        fileName = json.Text();
                        break;
                    case "width":
                        width = json.Side();
                        break;
                    case "height":
                        height = json.Side();
                        break;
                    default:
                        json.Skip();
                        break;
                }
            }
            if (width is null != height is null)
                json.Needed(width is null ? width : height, width is null ? "width" : "height");
            images.Add(new CocoImage(json.Needed(id, "id"), fileName, width is int w && height is int h ? (w, h) : null));
        }
        return (images, numbered);
    }

    private static List<CocoAnnotation> ReadAnnotations(ref CocoJsonReader json)
    {
        var annotations = new List<CocoAnnotation>();
        json.EnterList("annotations");
        while (json.NextObject())
        {
            long? id = null;
            string? imageId = null;
            int? categoryId = null;
            CocoBox? box = null;
            double? area = null;
            bool isCrowd = false, ignore = false;
            bool? isExtreme = null;
            while (json.NextKey())
            {
                switch (json.Key)
                {
                    case "id":
                        id = json.Whole();
                        break;
                    case "image_id":
                        imageId = json.Id();
                        break;
                    case "category_id":
                        categoryId = json.Int();
                        break;
                    case "bbox":
                        box = json.Box();
                        break;
                    case "area":
                        area = json.Number();
                        break;
                    case "iscrowd":
                        isCrowd = json.Flag();
                        break;
                    case "ignore":
                        ignore = json.Flag();
                        break;
                    case "isextreme":
                        isExtreme = json.Flag();
                        break;
                    default:
                        json.Skip();
                        break;
                }
            }
            var rectangle = json.Needed(box, "bbox");
            annotations.Add(new CocoAnnotation(
                json.Needed(id, "id"), json.Needed(imageId, "image_id"), json.Needed(categoryId, "category_id"), rectangle,
                area ?? rectangle.Width * rectangle.Height, isCrowd, ignore, isExtreme));
        }
        return annotations;
    }

    private static List<Category> ReadCategories(ref CocoJsonReader json)
    {
        var categories = new List<Category>();
        json.EnterList("categories");
        while (json.NextObject())
        {
            int? id = null;
            string? name = null;
            while (json.NextKey())
            {
                switch (json.Key)
                {
                    case "id":
                        id = json.Int();
                        break;
                    case "name":
                        name = json.Text();
                        break;
                    default:
                        json.Skip();
                        break;
                }
            }
            categories.Add(new Category(json.Needed(id, "id"), json.Needed(name, "name")));
        }
        return categories;
    }
}
