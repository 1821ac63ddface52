namespace GenIsp;

/// <summary>
/// An error whose message is for the user: what is wrong, in which file and key, what was found and expected, and what to do.
/// Anything else that is thrown is a mistake of the caller or of this library.
/// </summary>
public sealed class GenIspException : Exception
{
    /// <param name="message">A full sentence or two, without a stack trace's help.</param>
    /// <param name="inner">What caused it, when another library said so.</param>
    public GenIspException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
