using GenIsp.Geometry;

namespace GenIsp.Detection;

/// <summary>An object that an image shows, as its annotation says.</summary>
/// <param name="Box">In pixels of the image. One without area counts as absent.</param>
/// <param name="Class">Index into <see cref="Detector.Categories"/>.</param>
public readonly record struct DetectionTarget(Box Box, int Class);
