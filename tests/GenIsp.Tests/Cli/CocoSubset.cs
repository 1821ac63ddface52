using System.Text.Json.Nodes;

namespace GenIsp.Tests.Cli;

/// <summary>A few of COCO's validation photos.</summary>
internal static class CocoSubset
{
    public static string Photos => SharedData.Path("coco/val2017");

    /// <summary>Writes an annotation file of these images alone.</summary>
    public static void Write(string path, params int[] ids)
    {
        var all = JsonNode.Parse(File.ReadAllText(SharedData.Path("coco/instances_val2017.json")))!.AsObject();
        JsonArray Kept(string list, string key) =>
            new([.. all[list]!.AsArray().Where(node => ids.Contains((int)node![key]!)).Select(node => node!.DeepClone())]);
        (all["images"], all["annotations"]) = (Kept("images", "id"), Kept("annotations", "image_id"));
        File.WriteAllText(path, all.ToJsonString());
    }
}
