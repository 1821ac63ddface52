using GenIsp.Data;

namespace GenIsp.Evaluation;

/// <summary>What is measured.</summary>
public sealed record CocoEvaluationOptions
{
    /// <summary>The names of the classes to measure; null measures all.</summary>
    public IReadOnlyCollection<string>? Classes { get; init; }

    /// <summary>
    /// The boxes to measure; null measures all. The others are ignored, as crowds are: finding one counts neither for nor against the
    /// detector, and missing it does not either. Precision so does not suffer from objects that are there.
    /// </summary>
    public Func<CocoAnnotation, bool>? Subset { get; init; }

    /// <summary>
    /// For each image the scale from the annotation frame to the frame in which areas are counted, such as 1200.0 / 5472; it decides what
    /// is small, medium and large. Null counts in the annotation frame.
    /// </summary>
    public Func<CocoImage, double>? AreaScale { get; init; }
}
