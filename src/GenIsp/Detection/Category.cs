namespace GenIsp.Detection;

/// <summary>A class of objects.</summary>
/// <param name="Id">Its id in the annotations; COCO's 80 classes have ids in 1..90.</param>
/// <param name="Name">Its name, such as <c>person</c>.</param>
public readonly record struct Category(int Id, string Name);
