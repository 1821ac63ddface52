using GenIsp.Data;

namespace GenIsp.Evaluation;

/// <summary>One object that a detector found, as COCO's results files name it.</summary>
/// <param name="ImageId">The <see cref="CocoImage.Id"/> of its image, or else its <see cref="CocoImage.Stem"/>.</param>
/// <param name="CategoryId">Its class, by the id in the annotations.</param>
/// <param name="Box">In the annotation frame.</param>
/// <param name="Score">Confidence; only the order counts.</param>
public readonly record struct CocoDetection(string ImageId, int CategoryId, CocoBox Box, double Score);
